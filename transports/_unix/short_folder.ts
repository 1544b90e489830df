import { open } from "node:fs/promises";
import process from "node:process";
import type { System } from "../_system/system.ts";
import { absoluteLength, MAX_PATH_BYTES } from "./path_limit.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** A folder under a path that is short enough for sockets in it. */
export interface ShortFolder extends AsyncDisposable {
  readonly path: string;
  /** After the disposal the path leads to another folder, or nowhere. */
  readonly passing: boolean;
}

const MAX_FOLDER_BYTES = MAX_PATH_BYTES - "/s".length;

/** Whether `/s` may follow a folder's path. */
export function isShort(folder: string): boolean {
  return absoluteLength(folder) <= MAX_FOLDER_BYTES;
}

/**
 * The folder's own path, if `/s` may follow it, or else a path through one of
 * this process's descriptors: `/proc/self/fd/N`.
 *
 * @throws {Deno.errors.NotCapable} Deno opens `/proc` with `--allow-all` only.
 * @throws {RangeError} The path is too long, and the system has no `/proc`.
 */
export async function shortFolder(
  system: System,
  folder: string,
): Promise<ShortFolder> {
  if (isShort(folder)) {
    const nothing = () => Promise.resolve();
    return { path: folder, passing: false, [Symbol.asyncDispose]: nothing };
  }
  if (process.platform !== "linux") {
    throw new RangeError(
      `path of a folder beside it has ${absoluteLength(folder)} bytes, ` +
        `the system allows ${MAX_FOLDER_BYTES}`,
    );
  }
  for (const name of ["read", "write"] as const) {
    if (!system.isGranted({ name })) {
      throw new systemErrors.NotCapable(`No ${name}`);
    }
  }
  const handle = await open(folder);
  return {
    path: `/proc/self/fd/${handle.fd}`,
    passing: true,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}
