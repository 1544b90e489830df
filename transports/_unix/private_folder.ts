import type { FileInfo, Files, OpenFolder } from "../_system/files.ts";
import type { System } from "../_system/system.ts";
import { idOf, removeIfThere, statOf } from "./file.ts";
import { shortFolder } from "./short_folder.ts";
import { socketState } from "./socket_state.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** A folder that only this user may enter; disposing removes all of it. */
export interface PrivateFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a private folder. It has mode 0700 whatever the umask is, and a lock
 * (flock(2)), which the system releases when this process ends: a folder
 * without a lock is stale.
 *
 * @param make Makes a folder with a new name, and says its path.
 */
export async function makePrivateFolder(
  files: Files,
  make: () => Promise<string>,
): Promise<PrivateFolder> {
  for (;;) {
    const path = await make();
    const lock = await lockNew(files, path);
    if (!lock) continue;
    return {
      path,
      async [Symbol.asyncDispose]() {
        // Looking into the folder takes a descriptor, and there may be no other.
        lock.close();
        await removeIfThere(files, path, { recursive: true });
      },
    };
  }
}

/** Locks a new folder; `undefined` if another process has found it unlocked. */
async function lockNew(
  files: Files,
  path: string,
): Promise<OpenFolder | undefined> {
  let lock: OpenFolder | undefined;
  try {
    await files.chmod(path, 0o700);
    lock = await files.open(path);
    const locked = await tryLock(lock);
    if (locked && idOf(await statOf(files, path)) === idOf(await lock.stat())) {
      return lock;
    }
  } catch (error) {
    if (!(error instanceof systemErrors.NotFound)) {
      lock?.close();
      await removeIfThere(files, path).catch(() => {}); // the first error counts
      throw error;
    }
  }
  lock?.close();
  return undefined;
}

/**
 * Locks a folder, unless another process has its lock. Where there are no locks,
 * nobody waits for one, and no folder is found to be stale.
 */
export async function tryLock(folder: OpenFolder): Promise<boolean> {
  try {
    return await folder.tryLock(true);
  } catch {
    return true;
  }
}

/**
 * Removes what killed processes have left: folders of this user that match,
 * have no lock and hold nothing but stale sockets, and stale sockets that match.
 *
 * @param own A folder that this process has made among them.
 */
export async function removeStale(
  system: System,
  parent: string,
  pattern: RegExp,
  own: PrivateFolder,
): Promise<void> {
  const { files } = system;
  const uid = (await statOf(files, own.path))?.uid;
  try {
    for await (const { name } of files.readDir(parent)) {
      if (!pattern.test(name)) continue;
      const path = `${parent}/${name}`;
      const info = await statOf(files, path);
      if (info?.uid === uid) await removeIfStale(system, path, info);
    }
  } catch {
    // Not all folders may be read, and it is only for tidiness.
  }
}

async function removeIfStale(
  system: System,
  path: string,
  info: FileInfo | undefined,
): Promise<void> {
  const { files } = system;
  if (info?.isSocket) {
    if (await socketState(system, path) === "dead") await files.remove(path);
    return;
  }
  if (!info?.isDirectory) return;
  try {
    using lock = await files.open(path);
    if (!await lock.tryLock(true)) return;
    await using short = await shortFolder(system, path);
    for await (const { name } of files.readDir(path)) {
      const state = await socketState(system, `${short.path}/${name}`);
      if (state === "dead") await files.remove(`${path}/${name}`);
    }
    // Fails, if it holds anything else.
    await files.remove(path);
  } catch {
    // It stays, as do all that cannot be understood.
  }
}
