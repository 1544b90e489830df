import type { Codec } from "./codec.ts";
import { JSONText } from "./_json/text.ts";
import { layered } from "./_frames/layer.ts";
import { decodeUTF8 } from "./_util/utf8.ts";
import type { JSONOptions } from "./options.ts";

/**
 * JSON texts in the frames of another codec, whose limit holds.
 *
 * `T` is what the peer is trusted to send: it is not checked. Decoding raises
 * {@linkcode DecodeError} for a frame that is not one JSON text in UTF-8, and
 * what the frames' codec raises. Encoding raises a `TypeError` for a message
 * that has no JSON text.
 *
 * @throws {TypeError} `bigint` is no boolean.
 *
 * @example JSON behind record separators
 * ```ts
 * import { delimited, json, ReadBuffer } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const codec = json(delimited("\x1e"));
 * const input = new ReadBuffer();
 * input.append(new TextEncoder().encode('{"id":\n1}\x1e'));
 * assertEquals(codec.decode(input), { id: 1 });
 * ```
 */
export function json<T = unknown>(
  frames: Codec<Uint8Array>,
  options: JSONOptions = {},
): Codec<T> {
  const texts = new JSONText(options);
  return layered(frames, {
    decode: (frame, offset) =>
      texts.decode(decodeUTF8(frame, offset), offset, () => frame) as T,
    encode: (message: T) => texts.stringify(message),
  });
}
