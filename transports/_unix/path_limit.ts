import { resolve } from "node:path";
import process from "node:process";

/**
 * How many bytes the path of a Unix socket may have: those of `sun_path` but
 * for a NUL, unix(7). An abstract name may have as many after its `@`.
 */
export const MAX_PATH_BYTES: number =
  ["linux", "android", "sunos"].includes(process.platform) ? 107 : 103;

/**
 * Checks that the system can use a path.
 *
 * @throws {RangeError} It has too many bytes.
 */
export function checkPathLength(path: string): void {
  const [what, text] = path.startsWith("@")
    ? ["name", path.slice(1)]
    : ["path", path];
  const bytes = byteLength(text);
  if (bytes > MAX_PATH_BYTES) {
    throw new RangeError(
      `${what} has ${bytes} bytes, the system allows ${MAX_PATH_BYTES}`,
    );
  }
}

/** The error if Deno finds a relative path too long, once made absolute. */
export function absolutePathTooLong(path: string, cause: unknown): RangeError {
  return new RangeError(
    `path has ${absoluteLength(path)} bytes as an absolute path, ` +
      `the system allows ${MAX_PATH_BYTES}: ` +
      "Deno leaves it relative only with --allow-all",
    { cause },
  );
}

/** How many bytes a path has when it begins at the root. */
export function absoluteLength(path: string): number {
  return byteLength(resolve(path));
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
