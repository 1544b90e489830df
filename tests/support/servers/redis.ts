import { unix } from "../../../mod.ts";
import { type RealServer, startServer } from "./real_server.ts";

/** A Redis server that listens at a Unix socket in a private folder. */
export interface RedisServer extends RealServer {
  readonly path: string;
}

/**
 * Starts a Redis server that stores nothing on disk.
 *
 * @param args More arguments of redis-server.
 * @param path Where it listens, if not in its own folder.
 */
export async function startRedis(
  { args = [], path }: { args?: string[]; path?: string } = {},
): Promise<RedisServer> {
  const socketIn = (folder: string) => path ?? `${folder}/redis`;
  const server = await startServer({
    program: "redis-server",
    args: (folder) => [
      ...["--port", "0", "--unixsocket", socketIn(folder)],
      ...["--dir", folder, "--save", ""],
      ...["--enable-debug-command", "yes", ...args],
    ],
    ready: /ready to accept connections/,
    log: "stdout",
  }, async (process) => {
    await process.ready();
    return unix({ path: socketIn(process.folder) });
  });
  return { ...server, path: socketIn(server.process.folder) };
}
