import { retryBusy } from "../_socket/retry_busy.ts";
import {
  folderOf,
  idOf,
  statOf,
  TEMPORARY_NAME,
  temporaryName,
} from "./file.ts";
import { folderError } from "./errors.ts";
import { removeIf } from "./move_aside.ts";
import {
  makePrivateFolder,
  type PrivateFolder,
  removeStale,
} from "./private_folder.ts";
import { shortFolder } from "./short_folder.ts";
import { socketState } from "./socket_state.ts";

/** A listener, and which file it has made. */
export interface BoundPath {
  readonly listener: Deno.UnixListener;
  readonly file: string | undefined;
}

/**
 * Binds a Unix socket to a path. The socket is made in a private folder beside
 * the path and then linked to it, which never replaces a file. So its mode is
 * right from the first instant, and of two that bind at once one fails.
 *
 * @throws {Deno.errors.AddrInUse} The file at the path is not a stale socket. A
 * stale socket is replaced.
 */
export async function bindPath(
  path: string,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<BoundPath> {
  let bound: BoundPath | undefined;
  try {
    await using room = await makeRoom(folderOf(path));
    await removeStale(folderOf(path), TEMPORARY_NAME, room);
    return bound = await bindWithin(room, path, mode, signal);
  } catch (error) {
    // The private folder could not be removed.
    using _ = bound?.listener;
    if (bound?.file) await removeFile(path, bound.file);
    throw error;
  }
}

async function bindWithin(
  room: PrivateFolder,
  path: string,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<BoundPath> {
  await using short = await shortFolder(room.path);
  // Closing the listener removes the file of this name, wherever it is by then.
  const name = short.passing ? crypto.randomUUID() : "s";
  const listener = Deno.listen({
    transport: "unix",
    path: `${short.path}/${name}`,
  });
  try {
    const socket = `${room.path}/${name}`;
    await Deno.chmod(socket, mode);
    const file = idOf(await statOf(socket));
    if (await isStale(path)) {
      using _ = await lock(folderOf(path), signal);
      // Another process may have replaced it while this one waited.
      if (await isStale(path)) {
        await removeIf(
          path,
          `${room.path}/o`,
          async () => await socketState(`${short.path}/o`, path) === "dead",
        );
      }
    }
    await Deno.link(socket, path);
    return { listener, file };
  } catch (error) {
    listener.close();
    throw error instanceof Deno.errors.AlreadyExists
      ? new Deno.errors.AddrInUse("a file has just appeared there", {
        cause: error,
      })
      : error;
  }
}

/** Whether a path is to be replaced (`true`), or is free (`false`). */
async function isStale(path: string): Promise<boolean> {
  const state = await socketState(path);
  switch (state) {
    case "missing":
    case "dead":
      return state === "dead";
    case "alive":
      throw new Deno.errors.AddrInUse("another listener is there");
    case "bound":
      throw new Deno.errors.AddrInUse(
        "a socket is bound there, and does not listen yet",
      );
    case "not a socket":
      throw new Deno.errors.AddrInUse("the file there is not a socket");
  }
}

/** Locks a folder, so that one process at a time replaces a file in it. */
async function lock(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Deno.FsFile> {
  const file = await Deno.open(folder);
  try {
    await retryBusy(async () => {
      if (!await file.tryLock(true)) {
        throw new Deno.errors.WouldBlock(
          `another process holds the lock of the folder ${folder}`,
        );
      }
    }, signal);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Removes the file that a listener has made, if it is still at the path. */
export async function removeFile(path: string, file: string): Promise<void> {
  if (idOf(await statOf(path)) !== file) return;
  const aside = folderOf(path) + temporaryName();
  await removeIf(path, aside, async () => idOf(await statOf(aside)) === file);
}

/**
 * Makes a private folder within another.
 *
 * @throws The system's error; the message names the outer folder alone.
 */
async function makeRoom(parent: string): Promise<PrivateFolder> {
  try {
    return await makePrivateFolder(async () => {
      for (;;) {
        const path = parent + temporaryName();
        try {
          await Deno.mkdir(path, { mode: 0o700 });
          return path;
        } catch (error) {
          if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
        }
      }
    });
  } catch (error) {
    throw folderError(parent, error);
  }
}
