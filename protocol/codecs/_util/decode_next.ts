import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";

/**
 * The next message, if its bytes are here.
 *
 * @throws {Error} The codec has consumed nothing for it: it would return it again
 * and again.
 */
export function decodeNext<In, Out>(
  codec: Codec<In, Out>,
  input: CodecInput,
): In | undefined {
  const { offset } = input;
  const message = codec.decode(input);
  if (message !== undefined && input.offset === offset) {
    throw consumedNothing("decode");
  }
  return message;
}

/** The error of a codec that has consumed nothing for a message. */
export function consumedNothing(method: "decode" | "end"): Error {
  return new Error(
    `Cannot decode: ${method}() has returned a message and consumed nothing`,
  );
}
