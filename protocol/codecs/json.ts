import type { ProtocolError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { type FrameCodec, layered } from "./_frames/layer.ts";
import { JSONText } from "./_json/text.ts";
import type {
  BadMessageOptions,
  DeliverBadMessages,
  JSONOptions,
  TextOptions,
} from "./options.ts";
import { booleanOption } from "./_util/options.ts";
import { decodeUTF8 } from "./_util/utf8.ts";

/** Options of {@linkcode json}. */
export interface JSONFramesOptions
  extends JSONOptions, TextOptions, BadMessageOptions {}

/**
 * JSON texts in the frames of another codec, whose limit holds.
 *
 * `T` is what the peer is trusted to send: it is not checked. Decoding raises
 * {@linkcode DecodeError} for a frame that is not one JSON text in UTF-8, and the
 * errors of the frames' codec. Encoding raises a `TypeError` for a message that has
 * no JSON text.
 *
 * @throws {TypeError} An option has the wrong type.
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
  frames: Codec<Uint8Array | ProtocolError, Uint8Array>,
  options: JSONFramesOptions & DeliverBadMessages,
): Codec<T | ProtocolError, T>;
/** JSON texts in the frames of another codec; a bad one is thrown or skipped. */
export function json<T = unknown>(
  frames: Codec<Uint8Array>,
  options?: JSONFramesOptions,
): Codec<T>;
export function json<T = unknown>(
  frames: FrameCodec,
  options: JSONFramesOptions = {},
): Codec<T | ProtocolError, T> {
  const { lenientUTF8 = false } = options;
  const lenient = booleanOption("lenientUTF8", lenientUTF8);
  const texts = new JSONText(options);
  return layered(frames, {
    decode(frame, offset) {
      const text = decodeUTF8(frame, offset, lenient);
      return texts.decode(text, offset, () => frame) as T;
    },
    encode: (message: T) => texts.stringify(message),
  }, options);
}
