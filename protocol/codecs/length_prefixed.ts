import { DecodeError, MessageTooLargeError } from "../errors.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput, Endianness } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import { choiceOption, integerOption, messageLimit } from "./_util/options.ts";
import type { CodecOptions } from "./options.ts";

const ENDIANNESSES: readonly Endianness[] = ["big", "little"];

/** Options of {@linkcode lengthPrefixed}: where the length is, and what it counts. */
export interface LengthPrefixedOptions extends CodecOptions {
  /**
   * The size of the length field, in bytes; or `"varint"` for a length in groups of
   * 7 bits, the least significant group first, as in Protocol Buffers and MQTT.
   *
   * @default {4}
   */
  lengthFieldLength?: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | "varint" | undefined;
  /**
   * How many bytes of the message stand before the length field.
   *
   * @default {0}
   */
  lengthFieldOffset?: number | undefined;
  /**
   * What is added to the length to get the number of bytes behind the field: -4 for
   * a length that counts its own field of 4 bytes.
   *
   * @default {0}
   */
  lengthAdjustment?: number | undefined;
  /**
   * The order of the length's bytes; a varint has only one.
   *
   * @default {"big"}
   */
  endianness?: Endianness | undefined;
}

/**
 * Frames of bytes behind their length. A message is all bytes but the length field:
 * the bytes before it, if there are any, and the bytes behind it. It is a copy: it
 * stays as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as the length says so,
 * and {@linkcode DecodeError} for a length that is less than what it counts, or a
 * varint that never ends. Encoding raises a `RangeError` for a message whose length
 * does not fit the field, or that is shorter than `lengthFieldOffset`.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} An option is out of range.
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
  readonly #size: number | "varint";
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
    this.#size = lengthFieldLength === "varint"
      ? lengthFieldLength
      : integerOption("lengthFieldLength", lengthFieldLength, 1, 8);
    this.#offset = integerOption("lengthFieldOffset", lengthFieldOffset, 0);
    this.#adjustment = integerOption(
      "lengthAdjustment",
      lengthAdjustment,
      Number.MIN_SAFE_INTEGER,
    );
    this.#endianness = choiceOption("endianness", endianness, ENDIANNESSES);
  }

  protected override find(input: CodecInput): Frame | undefined {
    const varint = this.#size === "varint"
      ? input.varint(this.#offset)
      : undefined;
    const size = this.#size === "varint" ? varint?.size : this.#size;
    if (size === undefined || input.length < this.#offset + size) {
      return undefined;
    }
    const value = varint?.value ??
      Number(input.uint(this.#offset, size, this.#endianness));
    const start = this.#offset + size;
    const length = value + this.#adjustment;
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
    if (!input.expect(end)) return undefined;
    // The bytes before the field replace it, next to those behind it.
    input.subarray(0, start).copyWithin(size, 0, this.#offset);
    return { start: size, end, size: end };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    const offset = this.#offset;
    if (message.length < offset) {
      throw new RangeError(
        `Cannot encode: message has ${message.length} bytes, expected at least ${offset}`,
      );
    }
    const length = message.length - offset - this.#adjustment;
    const size = this.#size;
    const max = size === "varint"
      ? Number.MAX_SAFE_INTEGER
      : Math.min(2 ** (8 * size) - 1, Number.MAX_SAFE_INTEGER);
    if (length < 0 || length > max) {
      throw new RangeError(
        `Cannot encode: length is ${length}, expected 0 to ${max} in its field`,
      );
    }
    if (offset > 0) output.bytes(message.subarray(0, offset));
    if (size === "varint") output.varint(length);
    else output.uint(length, size, this.#endianness);
    output.bytes(message.subarray(offset));
  }
}
