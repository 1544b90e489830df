import { idOf, removeIfThere, statOf } from "./file.ts";
import { shortFolder } from "./short_folder.ts";
import { socketState } from "./socket_state.ts";

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
  make: () => Promise<string>,
): Promise<PrivateFolder> {
  for (;;) {
    const path = await make();
    const lock = await lockNew(path);
    if (!lock) continue;
    return {
      path,
      async [Symbol.asyncDispose]() {
        using _ = lock;
        await removeIfThere(path, { recursive: true });
      },
    };
  }
}

/** Locks a new folder; `undefined` if another process has found it unlocked. */
async function lockNew(path: string): Promise<Deno.FsFile | undefined> {
  let lock: Deno.FsFile | undefined;
  try {
    await Deno.chmod(path, 0o700);
    lock = await Deno.open(path);
    const locked = await tryLock(lock);
    if (locked && idOf(await statOf(path)) === idOf(await lock.stat())) {
      return lock;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      lock?.close();
      throw error;
    }
  }
  lock?.close();
  return undefined;
}

/** Where the file system has no locks, no folder is found to be stale. */
async function tryLock(folder: Deno.FsFile): Promise<boolean> {
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
  parent: string,
  pattern: RegExp,
  own: PrivateFolder,
): Promise<void> {
  const uid = (await statOf(own.path))?.uid;
  try {
    for await (const { name } of Deno.readDir(parent)) {
      if (!pattern.test(name)) continue;
      const info = await statOf(`${parent}/${name}`);
      if (info?.uid === uid) await removeIfStale(`${parent}/${name}`, info);
    }
  } catch {
    // Not all folders may be read, and it is only for tidiness.
  }
}

async function removeIfStale(
  path: string,
  info: Deno.FileInfo | undefined,
): Promise<void> {
  if (info?.isSocket) {
    if (await socketState(path) === "dead") await Deno.remove(path);
    return;
  }
  if (!info?.isDirectory) return;
  try {
    using lock = await Deno.open(path);
    if (!await lock.tryLock(true)) return;
    await using short = await shortFolder(path);
    for await (const { name } of Deno.readDir(path)) {
      const state = await socketState(`${short.path}/${name}`);
      if (state === "dead") await Deno.remove(`${path}/${name}`);
    }
    // Fails, if it holds anything else.
    await Deno.remove(path);
  } catch {
    // It stays, as do all that cannot be understood.
  }
}
