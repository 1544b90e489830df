import { unix } from "../../mod.ts";
import type { Transport } from "../../mod.ts";
import { RealProcess } from "./real_process.ts";

/** A Redis server that listens at a Unix socket in a private folder. */
export interface RedisServer extends AsyncDisposable {
  readonly process: RealProcess;
  readonly path: string;
  readonly transport: Transport;
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
  const process = await RealProcess.start({
    program: "redis-server",
    args: (folder) => [
      ...["--port", "0", "--unixsocket", path ?? `${folder}/redis`],
      ...["--dir", folder, "--save", ""],
      ...["--enable-debug-command", "yes", ...args],
    ],
    ready: /ready to accept connections/,
    log: "stdout",
  });
  try {
    await process.ready();
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  const socket = path ?? `${process.folder}/redis`;
  return {
    process,
    path: socket,
    transport: unix({ path: socket }),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
