import type { Files } from "../_system/files.ts";
import { statOf } from "./file.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * Removes a file if it is the expected one. The system cannot compare and
 * remove in one step, so the file is moved to a place where nobody else writes,
 * and compared there. A file that another process has put there in the meantime
 * is put back.
 *
 * @throws {Deno.errors.AddrInUse} It could not be put back: one more file has
 * appeared at the path. Both are kept, and the message says where.
 */
export async function removeIf(
  files: Files,
  path: string,
  aside: string,
  isExpected: () => Promise<boolean>,
): Promise<void> {
  try {
    await files.rename(path, aside);
  } catch (error) {
    if (error instanceof systemErrors.NotFound) return;
    throw error;
  }
  let expected = false;
  try {
    expected = await isExpected();
  } finally {
    if (!expected) await putBack(files, aside, path);
  }
  if (expected) await files.remove(aside);
}

/** A link never replaces a file, as a rename would. */
async function putBack(
  files: Files,
  aside: string,
  path: string,
): Promise<void> {
  try {
    await files.link(aside, path);
    await files.remove(aside);
  } catch (cause) {
    // A folder cannot be linked, nor can some files of other users.
    if (!await statOf(files, path)) return await files.rename(aside, path);
    const kept = `${path}.kept-${crypto.randomUUID()}`;
    await files.rename(aside, kept);
    throw new systemErrors.AddrInUse(
      `other processes have put two files there, one of them is now ${kept}`,
      { cause },
    );
  }
}
