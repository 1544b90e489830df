import { statOf } from "./file.ts";

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
  path: string,
  aside: string,
  isExpected: () => Promise<boolean>,
): Promise<void> {
  try {
    await Deno.rename(path, aside);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  let expected = false;
  try {
    expected = await isExpected();
  } finally {
    if (!expected) await putBack(aside, path);
  }
  if (expected) await Deno.remove(aside);
}

/** A link never replaces a file, as a rename would. */
async function putBack(aside: string, path: string): Promise<void> {
  try {
    await Deno.link(aside, path);
    await Deno.remove(aside);
  } catch (cause) {
    // A folder cannot be linked, nor can some files of other users.
    if (!await statOf(path)) return await Deno.rename(aside, path);
    const kept = `${path}.kept-${crypto.randomUUID()}`;
    await Deno.rename(aside, kept);
    throw new Deno.errors.AddrInUse(
      `other processes have put two files there, one of them is now ${kept}`,
      { cause },
    );
  }
}
