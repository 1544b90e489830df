import type { DecodeError } from "../errors.ts";

/** The order of a number's bytes: the most significant one first, or last. */
export type Endianness = "big" | "little";

/** A number that has been read, and how many bytes it took. */
export interface Varint {
  /** The number. */
  readonly value: number;
  /** The number of its bytes. */
  readonly size: number;
}

/**
 * The bytes that have arrived and are not decoded yet, as a codec sees them.
 * Positions count from the front, which is the first of these bytes.
 *
 * @example A codec of numbers behind their count
 * ```ts
 * import {
 *   type CodecInput,
 *   decoderStream,
 *   TruncatedMessageError,
 * } from "@parley/parley/codecs";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const codec = {
 *   decode(input: CodecInput): number[] | undefined {
 *     if (input.length < 1) return undefined;
 *     const count = input.uint(0, 1);
 *     const size = 1 + 2 * count;
 *     if (!input.expect(size)) return undefined;
 *     const numbers = Array.from(
 *       { length: count },
 *       (_, i) => input.uint(1 + 2 * i, 2, "little"),
 *     );
 *     input.consume(size);
 *     return numbers;
 *   },
 *   encode() {},
 * };
 * const stream = new Blob([Uint8Array.of(2, 1, 0, 0, 1, 0, 1, 7)]).stream();
 * const numbers: number[][] = [];
 * const decoding = stream.pipeThrough(decoderStream(codec))
 *   .pipeTo(new WritableStream({ write: (list) => void numbers.push(list) }));
 * await assertRejects(() => decoding, TruncatedMessageError);
 * assertEquals(numbers, [[1, 256], []]);
 * ```
 */
export interface CodecInput {
  /** The number of bytes. */
  readonly length: number;
  /** The position of the front in the whole stream, for errors. */
  readonly offset: number;
  /** The byte at a position, or `undefined` if there is none. */
  at(position: number): number | undefined;
  /** The position of the first such byte at or after `from`, or -1. */
  indexOf(byte: number, from?: number): number;
  /**
   * The bytes between two positions, or up to the end: a view, not a copy. It is
   * valid until `decode` returns, so a codec copies what it keeps or returns.
   */
  subarray(from?: number, to?: number): Uint8Array<ArrayBuffer>;
  /**
   * Drops bytes from the front.
   *
   * @throws {RangeError} `count` is not an integer from 0 to `length`.
   */
  consume(count: number): void;
  /**
   * Drops bytes from the front, and returns those between two of their positions:
   * bytes that stay as they are.
   *
   * @throws {RangeError} `count` is not an integer from 0 to `length`.
   */
  take(count: number, from?: number, to?: number): Uint8Array<ArrayBuffer>;
  /**
   * Tells how many bytes the message at the front has, if a header says so, and
   * returns whether they have all arrived. If not, room for all of them is made
   * at once. A peer that announces much and sends little gets no memory for it.
   *
   * @param limit The largest allowed `count`; by default any is.
   * @throws {MessageTooLargeError} `count` is over the limit.
   */
  expect(count: number, limit?: number): boolean;
  /**
   * Makes the error for bytes at the front that can never become a message: it
   * tells their offset, and shows the first of them.
   *
   * @param message What is wrong, such as `Message is not SMTP`.
   */
  malformed(message: string, cause?: unknown): DecodeError;
  /**
   * The unsigned integer of 1 to 6 bytes at a position; one of 7 or 8 bytes is a
   * `bigint`.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The bytes have not all arrived, or the size is wrong.
   */
  uint(position: number, size: 7 | 8, endianness?: Endianness): bigint;
  /** The same for a size that is known to make a number. */
  uint(
    position: number,
    size: 1 | 2 | 3 | 4 | 5 | 6,
    endianness?: Endianness,
  ): number;
  /** The same for any size. */
  uint(
    position: number,
    size: number,
    endianness?: Endianness,
  ): number | bigint;
  /**
   * The signed integer of 1 to 6 bytes at a position, in two's complement; one of
   * 7 or 8 bytes is a `bigint`.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The bytes have not all arrived, or the size is wrong.
   */
  int(position: number, size: 7 | 8, endianness?: Endianness): bigint;
  /** The same for a size that is known to make a number. */
  int(
    position: number,
    size: 1 | 2 | 3 | 4 | 5 | 6,
    endianness?: Endianness,
  ): number;
  /** The same for any size. */
  int(position: number, size: number, endianness?: Endianness): number | bigint;
  /**
   * The floating-point number (IEEE 754) of 4 or 8 bytes at a position.
   *
   * @param endianness Big if it is not given.
   * @throws {RangeError} The bytes have not all arrived, or the size is wrong.
   */
  float(position: number, size: 4 | 8, endianness?: Endianness): number;
  /**
   * The unsigned integer at a position in groups of 7 bits, the least significant
   * group first (LEB128, as in Protocol Buffers and MQTT); `undefined` if its
   * last byte has not arrived.
   *
   * @throws {DecodeError} It has more than 10 bytes, or is larger than 2^53 - 1.
   */
  varint(position: number): Varint | undefined;
}
