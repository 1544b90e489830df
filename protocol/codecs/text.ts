import type { ProtocolError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { type FrameCodec, layered } from "./_frames/layer.ts";
import type {
  BadMessageOptions,
  DeliverBadMessages,
  TextOptions,
} from "./options.ts";
import { booleanOption } from "./_util/options.ts";
import { assertUnicode, decodeUTF8 } from "./_util/utf8.ts";

/** Options of {@linkcode text}. */
export interface TextFramesOptions extends TextOptions, BadMessageOptions {}

/**
 * Text as UTF-8 in the frames of another codec, whose limit holds. A byte order
 * mark is text like any other.
 *
 * Decoding raises {@linkcode DecodeError} for a frame that is not UTF-8, and the
 * errors of the frames' codec. Encoding raises a `TypeError` for a lone surrogate,
 * which UTF-8 has no bytes for.
 *
 * For lines, {@linkcode lines} is faster, and keeps CR and LF out of a line.
 *
 * @throws {TypeError} An option has the wrong type.
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
export function text(
  frames: Codec<Uint8Array | ProtocolError, Uint8Array>,
  options: TextFramesOptions & DeliverBadMessages,
): Codec<string | ProtocolError, string>;
/** Text in the frames of another codec; a bad one is thrown or skipped. */
export function text(
  frames: Codec<Uint8Array>,
  options?: TextFramesOptions,
): Codec<string>;
export function text(
  frames: FrameCodec,
  options: TextFramesOptions = {},
): Codec<string | ProtocolError, string> {
  const { lenientUTF8 = false } = options;
  const lenient = booleanOption("lenientUTF8", lenientUTF8);
  return layered(frames, {
    decode: (frame, offset) => decodeUTF8(frame, offset, lenient),
    encode(message: string) {
      assertUnicode(message);
      return message;
    },
  }, options);
}
