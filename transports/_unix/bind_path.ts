import type { Accepts } from "../_socket/accept_queue.ts";
import type { RawSocket } from "../_socket/raw_socket.ts";
import { retryBusy } from "../_socket/retry_busy.ts";
import type { Files, OpenFolder } from "../_system/files.ts";
import type { System } from "../_system/system.ts";
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
  tryLock,
} from "./private_folder.ts";
import { shortFolder } from "./short_folder.ts";
import { socketState } from "./socket_state.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** A listener, and which file it has made. */
export interface BoundPath {
  readonly listener: Accepts<RawSocket>;
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
  system: System,
  path: string,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<BoundPath> {
  let bound: BoundPath | undefined;
  try {
    await using room = await makeRoom(system.files, folderOf(path));
    await removeStale(system, folderOf(path), TEMPORARY_NAME, room);
    return bound = await bindWithin(system, room, path, mode, signal);
  } catch (error) {
    // If it is bound, the private folder could not be removed.
    if (bound?.file) {
      await removeFile(system.files, path, bound.file).catch(() => {});
    }
    await bound?.listener.close();
    throw firstOf(error);
  }
}

/** The first error, where a disposal has failed after it. */
function firstOf(error: unknown): unknown {
  const isSecond = error instanceof Error && error.name === "SuppressedError";
  return isSecond ? Reflect.get(error, "suppressed") : error;
}

async function bindWithin(
  system: System,
  room: PrivateFolder,
  path: string,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<BoundPath> {
  const { files } = system;
  await using short = await shortFolder(system, room.path);
  // Closing the listener removes the file of this name, wherever it is by then.
  const name = short.passing ? crypto.randomUUID() : "s";
  const listener = await system.listenUnix(`${short.path}/${name}`);
  try {
    const socket = `${room.path}/${name}`;
    await files.chmod(socket, mode);
    const file = idOf(await statOf(files, socket));
    if (await isStale(system, path)) {
      using _ = await lock(files, folderOf(path), signal);
      // Another process may have replaced it while this one waited.
      if (await isStale(system, path)) {
        await removeIf(
          files,
          path,
          `${room.path}/o`,
          async () =>
            await socketState(system, `${short.path}/o`, path) === "dead",
        );
      }
    }
    await files.link(socket, path);
    return { listener, file };
  } catch (error) {
    await listener.close();
    throw error instanceof systemErrors.AlreadyExists
      ? new systemErrors.AddrInUse("a file has just appeared there", {
        cause: error,
      })
      : error;
  }
}

/** Whether a path is to be replaced (`true`), or is free (`false`). */
async function isStale(system: System, path: string): Promise<boolean> {
  const state = await socketState(system, path);
  switch (state) {
    case "missing":
    case "dead":
      return state === "dead";
    case "alive":
      throw new systemErrors.AddrInUse("another listener is there");
    case "bound":
      throw new systemErrors.AddrInUse(
        "a socket is bound there, and does not listen yet",
      );
    case "not a socket":
      throw new systemErrors.AddrInUse("the file there is not a socket");
  }
}

/** Locks a folder, so that one process at a time replaces a file in it. */
async function lock(
  files: Files,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<OpenFolder> {
  const file = await files.open(folder);
  try {
    await retryBusy(async () => {
      if (!await tryLock(file)) {
        throw new systemErrors.WouldBlock(
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
export async function removeFile(
  files: Files,
  path: string,
  file: string,
): Promise<void> {
  if (idOf(await statOf(files, path)) !== file) return;
  const aside = folderOf(path) + temporaryName();
  const isOurs = async () => idOf(await statOf(files, aside)) === file;
  await removeIf(files, path, aside, isOurs);
}

/**
 * Makes a private folder within another.
 *
 * @throws The system's error; the message names the outer folder alone.
 */
async function makeRoom(
  files: Files,
  parent: string,
): Promise<PrivateFolder> {
  try {
    return await makePrivateFolder(files, async () => {
      for (;;) {
        const path = parent + temporaryName();
        try {
          await files.mkdir(path, { mode: 0o700 });
          return path;
        } catch (error) {
          if (!(error instanceof systemErrors.AlreadyExists)) throw error;
        }
      }
    });
  } catch (error) {
    throw folderError(parent, error);
  }
}
