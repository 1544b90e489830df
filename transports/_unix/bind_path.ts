import { retryBusy } from "../_socket/retry_busy.ts";

/** A listener, and the file that it has made. */
export interface BoundPath {
  readonly listener: Deno.UnixListener;
  readonly file: string | undefined;
}

/**
 * Binds a Unix socket to a path. It is made in a private folder beside the path
 * and then linked to it, which never replaces a file: so its mode is right from
 * the first instant, and of two that bind at once one loses.
 *
 * @throws {Deno.errors.AddrInUse} Somebody listens at the path, or what is
 * there is no socket. The file of a dead listener is replaced.
 */
export async function bindPath(
  path: string,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<BoundPath> {
  const folder = path.slice(0, path.lastIndexOf("/") + 1) || "./";
  const room = await makePrivateFolder(folder);
  try {
    const socket = `${room}/s`;
    const listener = Deno.listen({ transport: "unix", path: socket });
    try {
      await Deno.chmod(socket, mode);
      const file = await fileAt(socket);
      if (await hasDeadSocket(path)) await removeDead(path, folder, signal);
      await Deno.link(socket, path);
      return { listener, file };
    } catch (error) {
      listener.close();
      throw error instanceof Deno.errors.AlreadyExists ? inUse(error) : error;
    }
  } finally {
    await Deno.remove(room, { recursive: true });
  }
}

/** Which file a path names; as long as the file is there, no other is equal. */
export async function fileAt(path: string): Promise<string | undefined> {
  const info = await statOf(path);
  return info && `${info.dev}:${info.ino}`;
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** With a short name: a socket's path has 107 bytes at most. */
async function makePrivateFolder(parent: string): Promise<string> {
  for (;;) {
    const folder = `${parent}.${crypto.randomUUID().slice(0, 4)}`;
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

/**
 * Removes the file of a dead listener, under a lock on its folder: or else two
 * find it dead, and the slower one removes what the faster has put there.
 */
async function removeDead(
  path: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  using lock = await Deno.open(folder);
  await retryBusy(async () => {
    if (!await lock.tryLock(true)) throw new Deno.errors.WouldBlock(folder);
  }, signal);
  if (await hasDeadSocket(path)) await Deno.remove(path);
}

/** Whether a path is to be replaced (`true`), or is free (`false`). */
async function hasDeadSocket(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
  } catch (error) {
    if (error instanceof Deno.errors.WouldBlock) throw inUse(error);
    const refused = error instanceof Deno.errors.ConnectionRefused;
    if (!refused && !(error instanceof Deno.errors.NotFound)) throw error;
    const info = await statOf(path);
    if (info === undefined) return false;
    // Where there was nothing, a socket has appeared since: it is alive.
    if (info.isSocket) return refused;
    throw new Deno.errors.AddrInUse(
      "What is there is no socket, and is left alone",
      { cause: error },
    );
  }
  throw inUse();
}

function inUse(cause?: unknown): Error {
  return new Deno.errors.AddrInUse("Somebody is listening there", { cause });
}
