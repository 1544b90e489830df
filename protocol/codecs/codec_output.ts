import type { Endianness } from "./codec_input.ts";

/**
 * Where a codec writes the bytes of a message.
 *
 * @example A codec of numbers behind their count
 * ```ts
 * import { type CodecOutput, encoderStream } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const codec = {
 *   decode: () => undefined,
 *   encode(numbers: number[], output: CodecOutput) {
 *     output.uint(numbers.length, 1);
 *     for (const number of numbers) output.uint(number, 2, "little");
 *   },
 * };
 * const stream = ReadableStream.from([[1, 256]])
 *   .pipeThrough(encoderStream(codec));
 * const bytes = await new Response(stream).bytes();
 * assertEquals(bytes, Uint8Array.of(2, 1, 0, 0, 1));
 * ```
 */
export interface CodecOutput {
  /** Appends one byte: the low 8 bits of the value. */
  byte(value: number): void;
  /**
   * Appends a copy of bytes.
   *
   * @throws {TypeError} It is not a `Uint8Array`.
   */
  bytes(chunk: Uint8Array): void;
  /** Appends text as UTF-8; a lone surrogate becomes U+FFFD. */
  text(text: string): void;
  /**
   * Appends an unsigned integer of 1 to 8 bytes.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The value does not fit, or the size is wrong.
   */
  uint(value: number | bigint, size: number, endianness?: Endianness): void;
  /**
   * Appends a signed integer of 1 to 8 bytes in two's complement.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The value does not fit, or the size is wrong.
   */
  int(value: number | bigint, size: number, endianness?: Endianness): void;
  /**
   * Appends a floating-point number (IEEE 754) of 4 or 8 bytes.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The size is wrong.
   */
  float(value: number, size: 4 | 8, endianness?: Endianness): void;
  /**
   * Appends an unsigned integer in groups of 7 bits, the least significant group
   * first (LEB128), in as few bytes as possible.
   *
   * @throws {RangeError} The value is not an integer from 0 to 2^53 - 1.
   */
  varint(value: number): void;
}
