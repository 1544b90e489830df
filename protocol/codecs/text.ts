import type { Codec } from "./codec.ts";
import { layered } from "./_frames/layer.ts";
import { assertUnicode, decodeUTF8 } from "./_util/utf8.ts";

/**
 * Text as UTF-8 in the frames of another codec, whose limit holds. A byte order
 * mark is text like any other.
 *
 * Decoding raises {@linkcode DecodeError} for a frame that is not UTF-8, and
 * what the frames' codec raises. Encoding raises a `TypeError` for a lone
 * surrogate, which UTF-8 has no bytes for.
 *
 * @example Text between NUL bytes
 * ```ts
 * import { decoderStream, delimited, text } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(["one\0two\0"]).stream();
 * const messages = stream.pipeThrough(decoderStream(text(delimited(0))));
 * assertEquals(await Array.fromAsync(messages), ["one", "two"]);
 * ```
 */
export function text(frames: Codec<Uint8Array>): Codec<string> {
  return layered(frames, {
    decode: decodeUTF8,
    encode(message: string) {
      assertUnicode(message);
      return message;
    },
  });
}
