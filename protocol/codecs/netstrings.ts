import { MessageTooLargeError } from "../errors.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import type { Codec } from "./codec.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import { messageLimit } from "./_util/options.ts";
import type { CodecOptions } from "./options.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";

const NOT_A_NETSTRING = "Message is not a netstring";
const COLON = 0x3a;
const COMMA = 0x2c;
const ZERO = 0x30;

/** Options of {@linkcode netstrings}. */
export type NetstringsOptions = CodecOptions;

/**
 * Frames of bytes as netstrings: the length in decimal digits, a colon, the bytes, a
 * comma. A frame is a copy: it stays as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as the length says so,
 * and {@linkcode DecodeError} for bytes that are not a netstring. A length with a
 * leading zero is not one.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
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
  return new Netstrings(messageLimit(options));
}

class Netstrings extends Frames {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  protected override find(input: CodecInput): Frame | undefined {
    let length = 0;
    let at = 0;
    while (input.at(at) !== COLON || at === 0) {
      const byte = input.at(at);
      if (byte === undefined) return undefined;
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9 || length === 0 && at > 0) {
        throw input.malformed(NOT_A_NETSTRING);
      }
      length = 10 * length + digit;
      if (length > this.#limit || length > Number.MAX_SAFE_INTEGER) {
        throw new MessageTooLargeError(this.#limit, input.offset);
      }
      at++;
    }
    const start = at + 1;
    const end = start + length;
    if (!input.expect(end + 1)) return undefined;
    if (input.at(end) !== COMMA) throw input.malformed(NOT_A_NETSTRING);
    return { start, end, size: end + 1 };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    output.text(`${message.length}:`);
    output.bytes(message);
    output.byte(COMMA);
  }
}
