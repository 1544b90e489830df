import { TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import { consumedNothing } from "./decode_next.ts";

/**
 * The next message at the end of a stream, after `decode` has returned
 * `undefined`. It is `undefined` when all bytes are consumed.
 *
 * @throws {TruncatedMessageError} Bytes are left.
 * @throws {Error} The codec has consumed none of the bytes that are left.
 */
export function decodeEnd<In, Out>(
  codec: Codec<In, Out>,
  input: CodecInput,
): In | undefined {
  const { offset, length } = input;
  const message = codec.end?.(input);
  if (message === undefined) {
    if (input.length === 0) return undefined;
    throw new TruncatedMessageError(input.offset, input.length);
  }
  // What a codec has kept itself may come when no byte is left.
  if (length > 0 && input.offset === offset) throw consumedNothing("end");
  return message;
}
