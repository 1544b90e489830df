import type { Codec } from "./codec.ts";
import type { Endianness } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import {
  writeFloat,
  writeInt,
  writeUint,
  writeVarint,
} from "./_util/numbers.ts";

const MIN_CAPACITY = 4 * 1024;
/** The most that is kept while nothing is queued. */
const MAX_IDLE_CAPACITY = 16 * 1024;
/** While more is queued, buffers have this size, so that they can be reused. */
const BUSY_CAPACITY = 128 * 1024;
/** Free bytes behind a large message, for what the codec writes after it. */
const SPARE_BYTES = 64;
/** The most UTF-16 units that are gathered before they are encoded. */
const MAX_TEXT_UNITS = 64 * 1024;
/** A UTF-16 unit has at most so many bytes in UTF-8. */
const MAX_UNIT_BYTES = 3;
const encoder = new TextEncoder();
const nothing = new Uint8Array(0);

/**
 * The bytes that are encoded and not sent yet: appended at the end by codecs,
 * taken from the front by the driver.
 *
 * A codec sees it as a {@linkcode CodecOutput}. The other methods are for the
 * driver of a codec. Text is gathered, and encoded when its bytes are asked for:
 * many short texts are encoded at once.
 *
 * @example Encoding by hand
 * ```ts
 * import { jsonLines, WriteBuffer } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const output = new WriteBuffer();
 * jsonLines().encode({ id: 1 }, output);
 * assertEquals(new TextDecoder().decode(output.take()), '{"id":1}\n');
 * assertEquals(output.length, 0);
 * ```
 */
export class WriteBuffer implements CodecOutput {
  #bytes: Uint8Array<ArrayBuffer> = nothing;
  #start = 0;
  #end = 0;
  #splits: number[] = [];
  /** Text that is appended and not encoded yet. */
  #text = "";
  /** The buffer of the view that was taken last, and one that was given back. */
  #lent: Uint8Array<ArrayBuffer> = nothing;
  #spare: Uint8Array<ArrayBuffer> = nothing;

  /** The number of bytes. */
  get length(): number {
    this.#encodeText();
    return this.#end - this.#start;
  }

  /**
   * A lower bound of `length`, for which no text is encoded: it counts a byte for
   * each UTF-16 unit.
   */
  get leastLength(): number {
    return this.#end - this.#start + this.#text.length;
  }

  /**
   * Appends a copy of bytes.
   *
   * @throws {TypeError} It is not a `Uint8Array`.
   */
  bytes(chunk: Uint8Array): void {
    assertBytes(chunk);
    this.#encodeText();
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Appends one byte: the low 8 bits of the value. */
  byte(value: number): void {
    if (value >= 0 && value < 0x80 && this.#text !== "") {
      this.#text += String.fromCharCode(value);
      return;
    }
    this.#encodeText();
    this.#reserve(1);
    this.#bytes[this.#end++] = value;
  }

  /** Appends text as UTF-8; a lone surrogate becomes U+FFFD. */
  text(text: string): void {
    this.#text += text;
    if (this.#text.length > MAX_TEXT_UNITS) this.#encodeText();
  }

  /** Appends an unsigned integer: see {@linkcode CodecOutput.uint}. */
  uint(
    value: number | bigint,
    size: number,
    endianness: Endianness = "big",
  ): void {
    writeUint(this, value, size, endianness);
  }

  /** Appends a signed integer: see {@linkcode CodecOutput.int}. */
  int(
    value: number | bigint,
    size: number,
    endianness: Endianness = "big",
  ): void {
    writeInt(this, value, size, endianness);
  }

  /** Appends a floating-point number: see {@linkcode CodecOutput.float}. */
  float(value: number, size: 4 | 8, endianness: Endianness = "big"): void {
    writeFloat(this, value, size, endianness);
  }

  /** Appends a varint: see {@linkcode CodecOutput.varint}. */
  varint(value: number): void {
    writeVarint(this, value);
  }

  /**
   * Appends a message as a codec encodes it. If that fails, nothing is appended.
   *
   * @throws {Error} The codec has thrown it.
   */
  encode<In, Out>(codec: Codec<In, Out>, message: Out): void {
    const length = this.#end - this.#start;
    const splits = this.#splits.length;
    const text = this.#text;
    try {
      codec.encode(message, this);
    } catch (error) {
      this.#end = this.#start + length;
      this.#splits.length = splits;
      this.#text = text;
      throw error;
    }
  }

  /**
   * Ends a write here: the bytes that follow are sent in a write of their own, for
   * a peer to which it matters where a write ends.
   */
  split(): void {
    this.#encodeText();
    const last = this.#splits.at(-1) ?? this.#start;
    if (this.#end > last) this.#splits.push(this.#end);
  }

  /**
   * Takes bytes from the front, at most so many and at most up to a split: a view
   * to read from. It stays as it is until `giveBack` is called. Its buffer has
   * other bytes too, so it must not be transferred.
   */
  take(max = Infinity): Uint8Array<ArrayBuffer> {
    this.#encodeText();
    const split = this.#splits[0] ?? this.#end;
    const end = split - this.#start > max ? this.#start + max : split;
    const taken = this.#bytes.subarray(this.#start, end);
    if (end === split) this.#splits.shift();
    this.#start = end;
    this.#lent = this.#bytes;
    // More is written to a small buffer, behind the bytes that are taken.
    if (end === this.#end && this.#bytes.length > MIN_CAPACITY) {
      this.#bytes = nothing;
      this.#start = this.#end = 0;
    }
    return taken;
  }

  /** Gives back every view that was taken: its memory is used again. */
  giveBack(): void {
    const lent = this.#lent;
    this.#lent = nothing;
    const isEmpty = this.#start === this.#end && this.#text === "";
    if (lent === this.#bytes) {
      if (isEmpty) this.#start = this.#end = 0;
      return;
    }
    const max = isEmpty ? MAX_IDLE_CAPACITY : BUSY_CAPACITY;
    this.#spare = lent.length <= max ? lent : nothing;
  }

  #encodeText(): void {
    const text = this.#text;
    if (text === "") return;
    this.#text = "";
    this.#reserve(text.length);
    const read = this.#encodeInto(text);
    if (read === text.length) return;
    this.#reserve(MAX_UNIT_BYTES * (text.length - read));
    this.#encodeInto(text.slice(read));
  }

  /** Encodes as many units as there is space for, and returns their number. */
  #encodeInto(text: string): number {
    const space = this.#bytes.subarray(this.#end);
    const { read, written } = encoder.encodeInto(text, space);
    this.#end += written | 0;
    return read;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const length = this.#end - this.#start;
    const min = length + count + SPARE_BYTES;
    // To move no more than has been taken keeps the time linear.
    const fits = length <= this.#start && min <= this.#bytes.length;
    const bytes = fits && this.#lent !== this.#bytes
      ? this.#bytes
      : this.#allocate(min, 2 * length);
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#splits = this.#splits.map((split) => split - this.#start);
    this.#bytes = bytes;
    this.#end -= this.#start;
    this.#start = 0;
  }

  #allocate(min: number, preferred: number): Uint8Array<ArrayBuffer> {
    if (min <= this.#spare.length) {
      const spare = this.#spare;
      this.#spare = nothing;
      return spare;
    }
    let capacity = Math.max(min, preferred);
    if (min <= BUSY_CAPACITY) capacity = BUSY_CAPACITY;
    if (min <= MAX_IDLE_CAPACITY) capacity = MAX_IDLE_CAPACITY;
    if (min <= MIN_CAPACITY) capacity = MIN_CAPACITY;
    return new Uint8Array(capacity);
  }
}
