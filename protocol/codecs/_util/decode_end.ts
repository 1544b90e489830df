import { TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { ReadBuffer } from "../read_buffer.ts";

/**
 * The next message at the end of a stream, once `decode` has no more to give;
 * `undefined` when all bytes are consumed.
 *
 * @throws {TruncatedMessageError} Bytes are left over.
 */
export function decodeEnd<In, Out>(
  codec: Codec<In, Out>,
  input: ReadBuffer,
): In | undefined {
  const message = codec.end?.(input);
  if (message === undefined && input.length > 0) {
    throw new TruncatedMessageError(input.offset, input.length);
  }
  return message;
}
