import type { FileInfo, Files } from "../_system/files.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** What is at a path, links not followed; `undefined` if nothing is there. */
export async function statOf(
  files: Files,
  path: string,
): Promise<FileInfo | undefined> {
  try {
    return await files.lstat(path);
  } catch (error) {
    if (error instanceof systemErrors.NotFound) return undefined;
    throw error;
  }
}

/** Removes what is at a path, if anything is. */
export async function removeIfThere(
  files: Files,
  path: string,
  options?: { recursive?: boolean },
): Promise<void> {
  try {
    await files.remove(path, options);
  } catch (error) {
    if (!(error instanceof systemErrors.NotFound)) throw error;
  }
}

/** Names a file; while it exists, no other file has an equal name. */
export function idOf(info: FileInfo | undefined): string | undefined {
  return info && `${info.dev}:${info.ino}`;
}

/** The folder of a path, with the slash at its end; `./` for a bare name. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) || "./";
}

/** A name for a file that is there for a moment only, and its pattern. */
export function temporaryName(): string {
  return `.parley-${crypto.randomUUID().slice(0, 6)}`;
}
export const TEMPORARY_NAME = /^\.parley-[0-9a-f]{6}$/;
