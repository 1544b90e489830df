const LEAST_CAPACITY = 4 * 1024;
const MOST_CAPACITY = 64 * 1024;
/** Room for what ends a message behind a large content, that it need not move. */
const ROOM = 64;
/** Shorter text is faster to copy by hand, as long as it is ASCII. */
const SHORT = 64;
const encoder = new TextEncoder();

/**
 * The bytes that are encoded and not yet sent: appended at the end by codecs,
 * taken from the front by whoever sends.
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
export class WriteBuffer {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #splits: number[] = [];
  /** The capacity to begin with: what was needed the last time. */
  #capacity = LEAST_CAPACITY;

  /** The number of bytes that wait to be taken. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends bytes: a copy, so that the caller may change them afterwards. */
  bytes(chunk: Uint8Array): void {
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Appends one byte. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = value;
  }

  /** Appends text as UTF-8; a lone surrogate becomes U+FFFD. */
  text(text: string): void {
    this.#reserve(text.length);
    const read = text.length < SHORT ? this.#short(text) : this.#encode(text);
    if (read === text.length) return;
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#reserve(3 * (text.length - read));
    this.#encode(text.slice(read));
  }

  /**
   * Ends a write here: what follows is sent in a write of its own, for peers
   * that mind where one ends.
   */
  split(): void {
    const last = this.#splits.at(-1) ?? this.#start;
    if (this.#end > last) this.#splits.push(this.#end);
  }

  /**
   * Takes bytes from the front, at most so many and at most up to a split. The
   * view is for reading, for as long as its holder needs it: its buffer may hold
   * other bytes too, and is not to be transferred.
   */
  take(most = Infinity): Uint8Array<ArrayBuffer> {
    const split = this.#splits[0] ?? this.#end;
    const end = Math.min(split, this.#start + most);
    const taken = this.#bytes.subarray(this.#start, end);
    if (end === split) this.#splits.shift();
    this.#start = end;
    if (this.length === 0) this.#release();
    return taken;
  }

  /** Takes back what was appended last, down to a length. */
  truncate(length: number): void {
    this.#end = this.#start + length;
    this.#splits = this.#splits.filter((split) => split <= this.#end);
  }

  #short(text: string): number {
    let end = this.#end;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return 0;
      this.#bytes[end++] = code;
    }
    this.#end = end;
    return text.length;
  }

  #encode(text: string): number {
    const space = this.#bytes.subarray(this.#end);
    const { read, written } = encoder.encodeInto(text, space);
    this.#end += written;
    return read;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const least = this.length + count + ROOM;
    const bytes = new Uint8Array(
      Math.max(this.#capacity, 2 * this.length, least),
    );
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#splits = this.#splits.map((split) => split - this.#start);
    this.#bytes = bytes;
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** Lets go of a large buffer; a small one is written on, behind what is taken. */
  #release(): void {
    if (this.#bytes.length <= LEAST_CAPACITY) return;
    this.#capacity = Math.min(
      Math.max(LEAST_CAPACITY, 2 * this.#end),
      MOST_CAPACITY,
    );
    this.#bytes = new Uint8Array(0);
    this.#start = this.#end = 0;
  }
}
