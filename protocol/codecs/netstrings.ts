import { DecodeError, MessageTooLargeError } from "../errors.ts";
import { assertBytes } from "./_bytes.ts";
import type { Codec } from "./codec.ts";
import { messageLimit } from "./_options.ts";
import type { ReadBuffer } from "./read_buffer.ts";
import type { CodecOptions } from "./options.ts";

const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;

/** Options of {@linkcode netstrings}. */
export type NetstringsOptions = CodecOptions;

/**
 * Frames of bytes as netstrings: the length in decimal digits, a colon, the
 * bytes, a comma. A frame is a copy: it stays as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as the length says
 * so, and {@linkcode DecodeError} for what is no netstring, a length with a
 * leading zero included.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is no integer of at least 1.
 *
 * @example Text in netstrings
 * ```ts
 * import { decoderStream, netstrings, text } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(["12:hello world!,0:,"]).stream();
 * const messages = stream.pipeThrough(decoderStream(text(netstrings())));
 * assertEquals(await Array.fromAsync(messages), ["hello world!", ""]);
 * ```
 */
export function netstrings(options: NetstringsOptions = {}): Codec<Uint8Array> {
  const limit = messageLimit(options);
  return {
    decode(input) {
      const header = decodeLength(input, limit);
      if (header === undefined) return undefined;
      const { start, length } = header;
      const end = input.at(start + length);
      if (end === undefined) return undefined;
      if (end !== COMMA) throw malformed(input);
      const frame = input.slice(start, start + length);
      input.consume(start + length + 1);
      return frame;
    },
    encode(message, output) {
      assertBytes(message);
      output.text(`${message.length}:`);
      output.bytes(message);
      output.byte(COMMA);
    },
  };
}

/** Where the bytes begin and how many there are, or `undefined` until it is known. */
function decodeLength(
  input: ReadBuffer,
  limit: number,
): { start: number; length: number } | undefined {
  let length = 0;
  for (let at = 0; at < input.length; at++) {
    const byte = input.at(at) ?? 0;
    if (byte === COLON && at > 0) return { start: at + 1, length };
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9 || length === 0 && at > 0) {
      throw malformed(input);
    }
    length = 10 * length + digit;
    if (length > limit || length > Number.MAX_SAFE_INTEGER) {
      throw new MessageTooLargeError(limit, input.offset);
    }
  }
  return undefined;
}

function malformed(input: ReadBuffer): DecodeError {
  const bytes = input.subarray();
  return new DecodeError("Message is not a netstring", {
    offset: input.offset,
    bytes,
  });
}
