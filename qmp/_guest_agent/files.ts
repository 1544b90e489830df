import { loggable } from "../../protocol/_util/loggable.ts";
import { show } from "../../protocol/_util/show.ts";
import { checkNumber } from "../../protocol/_util/validate.ts";
import { abortable } from "../_client/wait.ts";
import type { WaitOptions } from "../../transports/transport.ts";
import { type Agent, badResult, bytesOf, request, toBytes } from "./agent.ts";
import { toBase64 } from "./base64.ts";

/**
 * The size of a piece, which is 256 KiB in base64. Larger pieces are not faster,
 * and delay other commands.
 */
const PIECE_BYTES = 192 * 1024;

/**
 * Reads a file of the guest.
 *
 * @throws {RangeError} It has more than `maxBytes` bytes.
 */
export async function readGuestFile(
  agent: Agent,
  path: string,
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Uint8Array<ArrayBuffer>> {
  checkNumber("maxBytes", maxBytes, 0, Infinity);
  return await withFile({ agent, path, mode: "r", signal }, async (handle) => {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const command = "guest-file-read";
      const args = { handle, count: PIECE_BYTES };
      const result = await request(agent, command, args, { signal });
      const piece = bytesOf(result, "buf-b64", command, args);
      pieces.push(piece);
      length += piece.length;
      if (length > maxBytes) {
        throw new RangeError(
          `Cannot read ${
            show(path)
          }: it has more than ${maxBytes} bytes, which is maxBytes`,
        );
      }
      if (result.eof === true) return joined(pieces, length);
      if (piece.length === 0) {
        throw badResult("no byte, and not EOF", command, args, result);
      }
    }
  });
}

/** Writes a file of the guest. */
export async function writeGuestFile(
  agent: Agent,
  path: string,
  data: Uint8Array | string,
  { signal }: WaitOptions,
): Promise<void> {
  const bytes = toBytes(data);
  await withFile({ agent, path, mode: "w", signal }, async (handle) => {
    let written = 0;
    while (written < bytes.length) {
      const piece = bytes.subarray(written, written + PIECE_BYTES);
      const command = "guest-file-write";
      const args = { handle, "buf-b64": toBase64(piece) };
      const result = await request(agent, command, args, { signal });
      const { count } = result;
      if (
        typeof count !== "number" || !(count > 0 && count <= piece.length)
      ) {
        const why = `count is ${show(count)} of ${piece.length} bytes`;
        throw badResult(why, command, args, result);
      }
      written += count;
    }
  });
}

interface FileOptions {
  agent: Agent;
  path: string;
  mode: string;
  signal: AbortSignal | undefined;
}

/** Opens a file, uses it, and closes it in any case. */
async function withFile<T>(
  { agent, path, mode, signal }: FileOptions,
  use: (handle: unknown) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  // Not aborted: without the handle, the file could not be closed.
  const opening = agent.execute("guest-file-open", { path, mode });
  const close = async () => {
    await agent.execute("guest-file-close", { handle: await opening });
  };
  let result: T;
  try {
    result = await use(await abortable(opening, signal));
  } catch (error) {
    closeLater(agent, path, opening, close);
    throw error;
  }
  await abortable(close(), signal);
  return result;
}

/** Closes a file once it is open; the caller has an error already. */
function closeLater(
  { logger }: Agent,
  path: string,
  opening: Promise<unknown>,
  close: () => Promise<void>,
): void {
  const failed = (error: unknown) =>
    logger.warn("Cannot close {path} in the guest: {error}", {
      path,
      error: loggable(error),
    });
  opening.then(() => close().catch(failed), () => {});
}

function joined(
  pieces: readonly Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
