import { TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";

/**
 * The next message at the end of a stream, after `decode` has returned
 * `undefined`. It is `undefined` when all bytes are consumed.
 *
 * @throws {TruncatedMessageError} Bytes are left.
 */
export function decodeEnd<In, Out>(
  codec: Codec<In, Out>,
  input: CodecInput,
): In | undefined {
  const message = codec.end?.(input);
  if (message === undefined && input.length > 0) {
    throw new TruncatedMessageError(input.offset, input.length);
  }
  return message;
}
