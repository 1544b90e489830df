import { folderOf, idOf, statOf } from "./file.ts";

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
  path: string,
  boundAt = path,
): Promise<SocketState> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return "alive";
  } catch (error) {
    // The queue of the listener is full.
    if (error instanceof Deno.errors.WouldBlock) return "alive";
    const missing = error instanceof Deno.errors.NotFound;
    const refused = error instanceof Deno.errors.ConnectionRefused;
    if (!missing && !refused) throw error;
    const info = await statOf(path);
    if (!info) return "missing";
    if (!info.isSocket) return "not a socket";
    // A socket has appeared since, so it is not stale.
    if (missing) return "alive";
    return await isBound(boundAt) ? "bound" : "dead";
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
async function isBound(path: string): Promise<boolean> {
  const table = await readSocketTable();
  const folder = idOf(await statOf(`${folderOf(path)}.`));
  for (const [, other = ""] of table.matchAll(BOUND)) {
    if (nameOf(other) !== nameOf(path)) continue;
    // A relative path leads from a folder that is not known.
    if (!other.startsWith("/")) return true;
    if (idOf(await statOf(`${folderOf(other)}.`)) === folder) return true;
  }
  return false;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function readSocketTable(): Promise<string> {
  // Asking for what is not granted could prompt the user.
  const { state } = await Deno.permissions.query({ name: "read" });
  if (state !== "granted") return "";
  try {
    return await Deno.readTextFile("/proc/net/unix");
  } catch (error) {
    const known = error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.NotFound;
    if (known) return "";
    throw error;
  }
}
