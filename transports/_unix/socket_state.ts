import type { System } from "../_system/system.ts";
import { folderOf, idOf, statOf } from "./file.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * What a listener may find at its path. A `bound` socket does not listen yet;
 * nobody has a `dead` one open.
 */
export type SocketState =
  | "missing"
  | "alive"
  | "bound"
  | "dead"
  | "not a socket";

/**
 * What a file is, by a connect to it. A refusal means that nobody listens; the
 * system's table tells whether the socket is bound.
 *
 * @param boundAt The path that the socket was bound to, if it has been moved.
 * @throws The system's error, if it tells nothing about the socket.
 */
export async function socketState(
  system: System,
  path: string,
  boundAt = path,
): Promise<SocketState> {
  try {
    (await system.connectUnix(path)).close();
    return "alive";
  } catch (error) {
    // The queue of the listener is full.
    if (error instanceof systemErrors.WouldBlock) return "alive";
    const missing = error instanceof systemErrors.NotFound;
    const refused = error instanceof systemErrors.ConnectionRefused;
    if (!missing && !refused) throw error;
    const info = await statOf(system.files, path);
    if (!info) return "missing";
    if (!info.isSocket) return "not a socket";
    // A socket has appeared since, so it is not stale.
    if (missing) return "alive";
    return await isBound(system, boundAt) ? "bound" : "dead";
  }
}

// `Num: RefCount Protocol Flags Type St Inode Path`, proc_net(5): a stream
// socket (type 1) that is unconnected (state 1) and does not accept (flags 0).
// The `@` of an abstract name is left out.
const BOUND = /^\w+: \w+ \w+ 00000000 0001 01 +\d+ (?!@)(.+)$/gm;

/**
 * Whether a stream socket is bound to a path and does not listen. Linux alone
 * tells, and Deno allows it only with `--allow-all`; otherwise it is `false`.
 */
async function isBound(system: System, path: string): Promise<boolean> {
  const { files } = system;
  const table = await readSocketTable(system);
  const folder = idOf(await statOf(files, `${folderOf(path)}.`));
  for (const [, other = ""] of table.matchAll(BOUND)) {
    if (nameOf(other) !== nameOf(path)) continue;
    // A relative path leads from a folder that is not known.
    if (!other.startsWith("/")) return true;
    const place = await statOf(files, `${folderOf(other)}.`);
    if (idOf(place) === folder) return true;
  }
  return false;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function readSocketTable(system: System): Promise<string> {
  if (!system.isGranted({ name: "read" })) return "";
  try {
    return await system.files.readTextFile("/proc/net/unix");
  } catch (error) {
    const known = error instanceof systemErrors.NotCapable ||
      error instanceof systemErrors.NotFound;
    if (known) return "";
    throw error;
  }
}
