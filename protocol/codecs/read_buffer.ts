import { DecodeError, MessageTooLargeError } from "../errors.ts";
import type { CodecInput, Endianness, Varint } from "./codec_input.ts";
import { readFloat, readInt, readUint, readVarint } from "./_util/numbers.ts";

const MIN_CAPACITY = 1024;
/** A larger capacity is released as soon as it is not in use. */
const MAX_IDLE_CAPACITY = 4 * 1024 * 1024;
/**
 * A read that fills its space gets more space the next time, up to twice this.
 * With more, the bytes of one read do not stay in the processor's caches.
 */
const MAX_READ = 32 * 1024;
/** After a read that fills its space, so many times as much is expected. */
const READ_GROWTH = 4;
/** How much of the need for capacity is left from one read to the next. */
const NEED_DECAY = 63 / 64;
/**
 * An expected message gets its room when one of so many parts of it is there:
 * with the first read of 64 KiB, if it has 1 MiB and a header.
 */
const MAX_EXPECT_RATIO = 32;
/** From this size on, bytes are given away with the buffer that they are in. */
const MIN_TRANSFER = 64 * 1024;
/** A byte that is nearer than this is found faster without a view. */
const MAX_LOOP_SCAN = 128;

const nothing = new Uint8Array(0);

/**
 * The bytes that have arrived and are not decoded yet: one buffer that grows, is
 * filled at its end and consumed at its front.
 *
 * A codec sees it as a {@linkcode CodecInput}. The other methods are for the
 * driver of a codec, which has either the bytes (`append`), or a source that
 * reads into a buffer (`space`, `fill`).
 *
 * @example Decoding by hand
 * ```ts
 * import { lines, ReadBuffer } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const input = new ReadBuffer();
 * const codec = lines();
 * input.append(new TextEncoder().encode("one\ntw"));
 * assertEquals(codec.decode(input), "one");
 * assertEquals(codec.decode(input), undefined);
 * assertEquals(input.length, 2);
 * ```
 */
export class ReadBuffer implements CodecInput {
  #bytes: Uint8Array<ArrayBuffer> = nothing;
  #start = 0;
  #end = 0;
  #offset = 0;
  /** How many bytes were here at once lately. */
  #need = 0;
  /** How many bytes there will be at least. */
  #expected = 0;

  /** The number of bytes. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The position of the front in the whole stream, for errors. */
  get offset(): number {
    return this.#offset;
  }

  /** The byte at a position, or `undefined` if there is none. */
  at(position: number): number | undefined {
    return position >= 0 && position < this.length
      ? this.#bytes[this.#start + position]
      : undefined;
  }

  /** The position of the first such byte at or after `from`, or -1. */
  indexOf(byte: number, from = 0): number {
    const first = Math.max(0, from);
    const near = Math.min(this.length, first + MAX_LOOP_SCAN);
    for (let at = first; at < near; at++) {
      if (this.#bytes[this.#start + at] === byte) return at;
    }
    const found = this.subarray(near).indexOf(byte);
    return found < 0 ? -1 : near + found;
  }

  /**
   * A view, not a copy, of the bytes between two positions. It is valid until
   * the next call of `append` or `space`.
   */
  subarray(from = 0, to: number = this.length): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(
      this.#start + Math.max(0, from),
      this.#start + Math.min(Math.max(0, to), this.length),
    );
  }

  /**
   * Drops bytes from the front.
   *
   * @throws {RangeError} `count` is not an integer from 0 to `length`.
   */
  consume(count: number): void {
    if (!Number.isInteger(count) || count < 0 || count > this.length) {
      throw new RangeError(
        `Cannot consume: count is ${count}, the input has ${this.length} bytes`,
      );
    }
    this.#start += count;
    this.#offset += count;
    this.#expected = 0;
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    if (this.#bytes.length > MAX_IDLE_CAPACITY) {
      this.#bytes = nothing;
      // The need of a huge message is gone with it.
      this.#need = Math.min(this.#need, MAX_READ);
    }
  }

  /**
   * Drops bytes from the front, and returns those between two of their positions
   * to keep: a copy, or the buffer itself if they are large and fill most of it.
   *
   * @throws {RangeError} `count` is not an integer from 0 to `length`.
   */
  take(count: number, from = 0, to: number = count): Uint8Array<ArrayBuffer> {
    const bytes = this.subarray(from, to);
    const give = bytes.length >= Math.max(MIN_TRANSFER, this.#bytes.length / 2);
    const taken = give ? bytes : bytes.slice();
    this.consume(count);
    if (give) {
      const rest = this.subarray();
      this.#bytes = nothing;
      // The need of a huge message is gone with it.
      this.#need = Math.max(rest.length, Math.min(this.#need, MAX_READ));
      this.#moveTo(2 * this.#need, rest);
    }
    return taken;
  }

  /**
   * Tells how many bytes the message at the front has, and returns whether they
   * have all arrived. If not, room for all of them is made at once, but not before
   * a thirty-second of them is there: a peer that announces much and sends little
   * gets no memory for it.
   *
   * @param limit The largest allowed `count`; by default any is.
   * @throws {MessageTooLargeError} `count` is over the limit.
   */
  expect(count: number, limit: number = Infinity): boolean {
    if (count > limit) throw new MessageTooLargeError(limit, this.#offset);
    this.#expected = count;
    return count <= this.length;
  }

  /** Whether bytes are missing of what was last told to `expect`. */
  get expecting(): boolean {
    return this.#expected > this.length;
  }

  /** The error for bytes that are not a message: see {@linkcode CodecInput.malformed}. */
  malformed(message: string, cause?: unknown): DecodeError {
    const where = { offset: this.#offset, bytes: this.subarray() };
    const why = cause === undefined ? {} : { cause };
    return new DecodeError(message, { ...where, ...why });
  }

  /** The unsigned integer at a position: see {@linkcode CodecInput.uint}. */
  uint(position: number, size: 7 | 8, endianness?: Endianness): bigint;
  uint(
    position: number,
    size: 1 | 2 | 3 | 4 | 5 | 6,
    endianness?: Endianness,
  ): number;
  uint(
    position: number,
    size: number,
    endianness?: Endianness,
  ): number | bigint;
  uint(
    position: number,
    size: number,
    endianness: Endianness = "big",
  ): number | bigint {
    return readUint(this, position, size, endianness);
  }

  /** The signed integer at a position: see {@linkcode CodecInput.int}. */
  int(position: number, size: 7 | 8, endianness?: Endianness): bigint;
  int(
    position: number,
    size: 1 | 2 | 3 | 4 | 5 | 6,
    endianness?: Endianness,
  ): number;
  int(position: number, size: number, endianness?: Endianness): number | bigint;
  int(
    position: number,
    size: number,
    endianness: Endianness = "big",
  ): number | bigint {
    return readInt(this, position, size, endianness);
  }

  /** The floating-point number at a position: see {@linkcode CodecInput.float}. */
  float(position: number, size: 4 | 8, endianness: Endianness = "big"): number {
    return readFloat(this, position, size, endianness);
  }

  /** The varint at a position: see {@linkcode CodecInput.varint}. */
  varint(position: number): Varint | undefined {
    return readVarint(this, position);
  }

  /** Appends a copy of bytes. */
  append(chunk: Uint8Array): void {
    this.#adapt();
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#add(chunk.length);
  }

  /**
   * Free space to read into, which is never empty; `fill` takes it back. Its size
   * follows the amount that arrives: it stays small for a peer that sends little,
   * and does not stay huge after a huge message. To fill it takes linear time.
   */
  space(): Uint8Array<ArrayBuffer> {
    this.#adapt();
    // To move no more than has been consumed keeps the time linear.
    if (this.length <= this.#start) this.#moveToFront();
    const quarter = this.#bytes.length / 4;
    const missing = this.#expected - this.length;
    this.#reserve(this.#awaits() ? Math.min(missing, quarter) : quarter);
    return this.#bytes.subarray(this.#end);
  }

  /** Takes the space back with bytes read into its front: returns how many. */
  fill(count: number): number {
    this.#add(count);
    const isFull = this.#end === this.#bytes.length;
    if (isFull) this.#require(READ_GROWTH * this.length);
    return count;
  }

  #awaits(): boolean {
    return this.expecting &&
      this.#expected <= MAX_EXPECT_RATIO * this.length;
  }

  #add(count: number): void {
    this.#end += count;
    this.#require(this.length);
  }

  #require(length: number): void {
    this.#need = Math.max(this.#need, Math.min(length, MAX_READ));
  }

  /** Lets the capacity follow the need: twice the need, or the size that is expected. */
  #adapt(): void {
    const capacity = this.#bytes.length;
    if (this.#awaits()) {
      if (capacity < this.#expected) this.#resize(this.#expected);
      return;
    }
    const idle = capacity > MAX_IDLE_CAPACITY && this.length < capacity / 8;
    this.#need = Math.max(this.length, idle ? 0 : this.#need * NEED_DECAY);
    const wanted = Math.max(MIN_CAPACITY, 2 * this.#need);
    if (capacity < wanted || capacity > 8 * wanted) {
      this.#resize(2 ** Math.ceil(Math.log2(wanted)));
    }
  }

  /** Makes room at the end, in linear time: half the capacity is free. */
  #reserve(count: number): void {
    const capacity = this.#bytes.length;
    if (capacity - this.#end >= count) return;
    if (capacity - this.length < count) {
      this.#resize(this.length + count);
    } else {
      this.#moveToFront();
    }
  }

  #moveToFront(): void {
    this.#bytes.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }

  #resize(capacity: number): void {
    this.#moveTo(capacity, this.subarray());
  }

  #moveTo(capacity: number, content: Uint8Array): void {
    this.#bytes = new Uint8Array(capacity);
    this.#bytes.set(content);
    this.#start = 0;
    this.#end = content.length;
  }
}
