import { DecodeError, MessageTooLargeError } from "../errors.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import type { Codec } from "./codec.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import { choiceOption, integerOption, messageLimit } from "./_util/options.ts";
import type { CodecInput, Endianness } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions } from "./options.ts";

const ENDIANNESSES: readonly Endianness[] = ["big", "little"];

/** Options of {@linkcode lengthPrefixed}: where the length is, and what it counts. */
export interface LengthPrefixedOptions extends CodecOptions {
  /**
   * The size of the length field, in bytes.
   *
   * @default {4}
   */
  lengthFieldLength?: 1 | 2 | 4 | 8;
  /**
   * How many bytes of the message stand before the length field.
   *
   * @default {0}
   */
  lengthFieldOffset?: number;
  /**
   * What is added to the length to get the number of bytes behind the field: for
   * a length that counts its own field of 4 bytes too, -4.
   *
   * @default {0}
   */
  lengthAdjustment?: number;
  /**
   * The order of the length's bytes.
   *
   * @default {"big"}
   */
  endianness?: Endianness;
}

/**
 * Frames of bytes behind their length. A message is all bytes but the length
 * field: those before it, where there are any, and those behind it. It is a
 * copy: it stays as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as the length says
 * so, and {@linkcode DecodeError} for a length that is less than what it counts.
 * Encoding raises a `RangeError` for a message whose length does not fit the
 * field, or that is shorter than `lengthFieldOffset`.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} An option has a value that makes no sense.
 *
 * @example A type byte, then a length that counts itself
 * ```ts
 * import { lengthPrefixed, ReadBuffer } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const codec = lengthPrefixed({ lengthFieldOffset: 1, lengthAdjustment: -4 });
 * const input = new ReadBuffer();
 * input.append(Uint8Array.of(0x51, 0, 0, 0, 6, 0x68, 0x69));
 * assertEquals(codec.decode(input), Uint8Array.of(0x51, 0x68, 0x69));
 * ```
 */
export function lengthPrefixed(
  options: LengthPrefixedOptions = {},
): Codec<Uint8Array> {
  return new LengthPrefixed(options);
}

class LengthPrefixed extends Frames {
  readonly #limit: number;
  readonly #offset: number;
  readonly #size: number;
  readonly #adjustment: number;
  readonly #endianness: Endianness;

  constructor(options: LengthPrefixedOptions) {
    super();
    const {
      lengthFieldLength = 4,
      lengthFieldOffset = 0,
      lengthAdjustment = 0,
      endianness = "big",
    } = options;
    this.#limit = messageLimit(options);
    this.#size = integerOption("lengthFieldLength", lengthFieldLength, 1, 8);
    if (![1, 2, 4, 8].includes(this.#size)) {
      throw new RangeError(
        `Cannot make codec: lengthFieldLength is ${this.#size}, expected 1, 2, 4 or 8`,
      );
    }
    this.#offset = integerOption("lengthFieldOffset", lengthFieldOffset, 0);
    this.#adjustment = integerOption(
      "lengthAdjustment",
      lengthAdjustment,
      Number.MIN_SAFE_INTEGER,
    );
    this.#endianness = choiceOption("endianness", endianness, ENDIANNESSES);
  }

  protected override find(input: CodecInput): Frame | undefined {
    const start = this.#offset + this.#size;
    if (input.length < start) return undefined;
    const length =
      Number(input.uint(this.#offset, this.#size, this.#endianness)) +
      this.#adjustment;
    if (length < 0) {
      throw new DecodeError("Length is less than what it counts", {
        offset: input.offset,
        bytes: input.subarray(0, start),
      });
    }
    // With no limit, a length that a number cannot hold is still too large.
    const limit = Math.min(this.#limit, Number.MAX_SAFE_INTEGER);
    if (this.#offset + length > limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    const end = start + length;
    if (input.length < end) {
      input.expect(end);
      return undefined;
    }
    // What is before the field takes the field's place, next to what is behind.
    input.subarray(0, start).copyWithin(this.#size, 0, this.#offset);
    return { start: this.#size, end, size: end };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    const offset = this.#offset;
    const length = message.length - offset - this.#adjustment;
    if (message.length < offset) {
      throw new RangeError(
        `Cannot encode: message must have at least ${offset} bytes: ${message.length}`,
      );
    }
    if (length < 0 || length >= 2 ** (8 * this.#size)) {
      throw new RangeError(
        `Cannot encode: length does not fit ${this.#size} bytes: ${length}`,
      );
    }
    if (offset > 0) output.bytes(message.subarray(0, offset));
    output.uint(length, this.#size, this.#endianness);
    output.bytes(message.subarray(offset));
  }
}
