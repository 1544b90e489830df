const CAPACITY = 4 * 1024;
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

  /** Appends text as UTF-8. */
  text(text: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#reserve(3 * text.length);
    this.#end +=
      encoder.encodeInto(text, this.#bytes.subarray(this.#end)).written;
  }

  /**
   * Ends a write here: what follows is sent in a write of its own, for peers
   * that mind where one ends.
   */
  split(): void {
    this.#splits.push(this.#end);
  }

  /**
   * Takes bytes from the front, at most so many and at most up to a split. The
   * view is valid for as long as its holder needs it.
   */
  take(most = Infinity): Uint8Array<ArrayBuffer> {
    const split = this.#splits[0] ?? this.#end;
    const end = Math.min(split, this.#start + most);
    const taken = this.#bytes.subarray(this.#start, end);
    if (end === split) this.#splits.shift();
    this.#start = end;
    if (this.#start === this.#end) {
      this.#bytes = new Uint8Array(0);
      this.#start = this.#end = 0;
      this.#splits = [];
    }
    return taken;
  }

  /** Takes back what was appended last, down to a length. */
  truncate(length: number): void {
    this.#end = this.#start + length;
    this.#splits = this.#splits.filter((split) => split <= this.#end);
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const capacity = Math.max(CAPACITY, 2 * (this.length + count));
    const bytes = new Uint8Array(capacity);
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#splits = this.#splits.map((split) => split - this.#start);
    this.#bytes = bytes;
    this.#end -= this.#start;
    this.#start = 0;
  }
}
