const MIN_CAPACITY = 1024;
/** Beyond this, capacity is given back as soon as it is not in use. */
const MAX_IDLE_BYTES = 4 * 1024 * 1024;
/**
 * Reads that fill their space get more the next time, up to twice this. Twice as
 * much took a quarter more time with 10,000 requests in flight: what is handled
 * at once has to stay in the processor's caches.
 */
const MAX_READ = 32 * 1024;
/** How many times as much as there is will be, where a read has filled its space. */
const GROWTH = 4;
/** How much of the need for capacity lasts from one read to the next. */
const DECAY = 63 / 64;
/**
 * How many times what has arrived room is made for, when more is expected: the
 * first read of 64 KiB makes it for a message of 1 MiB and its header.
 */
const MAX_EXPECT_RATIO = 32;
/** From this size on, bytes may be given away with the buffer they are in. */
const MIN_TRANSFER = 64 * 1024;
/** A byte not farther than this is found faster without a view. */
const MAX_LOOP_SCAN = 128;

const nothing = new Uint8Array(0);

/**
 * The bytes that have arrived and are not yet decoded: one growing buffer that
 * is filled at its end and consumed at its front. Positions count from the
 * front.
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
export class ReadBuffer {
  #bytes: Uint8Array<ArrayBuffer> = nothing;
  #start = 0;
  #end = 0;
  #offset = 0;
  /** How many bytes there lately were at once. */
  #need = 0;
  /** How many there will be at least, for all that is known. */
  #expected = 0;

  /** The number of bytes that wait to be decoded. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The front's position in the whole stream, for errors. */
  get offset(): number {
    return this.#offset;
  }

  /** The byte at a position, or `undefined` past the last one. */
  at(position: number): number | undefined {
    return position < this.length
      ? this.#bytes[this.#start + position]
      : undefined;
  }

  /** The position of the first such byte at or after `from`, or -1. */
  indexOf(byte: number, from = 0): number {
    const near = Math.min(this.length, from + MAX_LOOP_SCAN);
    for (let at = from; at < near; at++) {
      if (this.#bytes[this.#start + at] === byte) return at;
    }
    const found = this.subarray(near).indexOf(byte);
    return found < 0 ? -1 : near + found;
  }

  /**
   * A view, not a copy, of the bytes between two positions. It is valid until
   * `decode` returns: a codec that gives bytes away copies them.
   */
  subarray(from = 0, to: number = this.length): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(
      this.#start + from,
      this.#start + Math.min(to, this.length),
    );
  }

  /**
   * Drops bytes from the front.
   *
   * @throws {RangeError} There are fewer.
   */
  consume(count: number): void {
    if (count > this.length) {
      throw new RangeError(
        `Cannot consume: count is ${count}, there are ${this.length} bytes`,
      );
    }
    this.#start += count;
    this.#offset += count;
    this.#expected = 0;
    if (this.#start === this.#end) this.#start = this.#end = 0;
  }

  /**
   * Drops bytes from the front, and gives those between two positions to keep:
   * a copy, but of large ones that fill most of the buffer the buffer itself.
   *
   * @throws {RangeError} There are fewer.
   */
  take(count: number, from = 0, to: number = count): Uint8Array<ArrayBuffer> {
    const bytes = this.subarray(from, to);
    const give = bytes.length >= Math.max(MIN_TRANSFER, this.#bytes.length / 2);
    const taken = give ? bytes : bytes.slice();
    this.consume(count);
    if (give) {
      const rest = this.subarray();
      this.#bytes = nothing;
      // A huge message has been the need, and is gone.
      this.#need = Math.max(rest.length, Math.min(this.#need, MAX_READ));
      this.#moveTo(2 * this.#need, rest);
    }
    return taken;
  }

  /**
   * Tells how many bytes the message at the front has, so that room for all is
   * made at once, and no more than that; not before a thirty-second of them are
   * there, so that nobody takes memory by announcing much.
   */
  expect(count: number): void {
    this.#expected = count;
  }

  /** Copies bytes to the end. */
  append(chunk: Uint8Array): void {
    this.#adapt();
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#add(chunk.length);
  }

  /**
   * Free space to read into, never empty; `fill` takes it back. Its size follows
   * what arrives: who says little keeps a small buffer, who once said much no
   * huge one, and filling costs linear time.
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

  /**
   * Takes the space back with bytes read into its front, and returns how many:
   * that number, or the view that a BYOB read returns, whose buffer is the
   * space's, transferred.
   */
  fill(read: number | Uint8Array<ArrayBuffer>): number {
    if (typeof read !== "number") {
      this.#bytes = new Uint8Array(read.buffer);
      read = read.length;
    }
    this.#add(read);
    // There may be much more where so much came from.
    if (this.#end === this.#bytes.length) this.#lately(GROWTH * this.length);
    return read;
  }

  #awaits(): boolean {
    return this.#expected > this.length &&
      this.#expected <= MAX_EXPECT_RATIO * this.length;
  }

  #add(count: number): void {
    this.#end += count;
    this.#lately(this.length);
  }

  #lately(length: number): void {
    this.#need = Math.max(this.#need, Math.min(length, MAX_READ));
  }

  /** Lets the capacity follow the need: twice what waits, or what is expected. */
  #adapt(): void {
    const capacity = this.#bytes.length;
    if (this.#awaits()) {
      if (capacity < this.#expected) this.#resize(this.#expected);
      return;
    }
    const idle = capacity > MAX_IDLE_BYTES && this.length < capacity / 8;
    this.#need = Math.max(this.length, idle ? 0 : this.#need * DECAY);
    const wanted = Math.max(MIN_CAPACITY, 2 * this.#need);
    if (capacity < wanted || capacity > 8 * wanted) {
      this.#resize(2 ** Math.ceil(Math.log2(wanted)));
    }
  }

  /** Makes room at the end; in linear time, as half the capacity is free. */
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
