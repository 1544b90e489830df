const INITIAL_CAPACITY = 4 * 1024;

/**
 * A bounded queue of bytes. It takes memory as it fills, by doubling, and never
 * more than its limit.
 */
export class RingBuffer {
  readonly #limit: number;
  #bytes = new Uint8Array(0);
  #start = 0;
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The number of bytes in it. */
  get length(): number {
    return this.#length;
  }

  /** Copies as many bytes in as there is room for, and returns how many. */
  write(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#limit - this.#length);
    if (count === 0) return 0;
    this.#reserve(this.#length + count);
    const capacity = this.#bytes.length;
    const end = (this.#start + this.#length) % capacity;
    const first = Math.min(count, capacity - end);
    this.#bytes.set(bytes.subarray(0, first), end);
    this.#bytes.set(bytes.subarray(first, count), 0);
    this.#length += count;
    return count;
  }

  /** Moves as many bytes out as there are and fit, and returns how many. */
  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#length);
    if (count === 0) return 0;
    const first = Math.min(count, this.#bytes.length - this.#start);
    into.set(this.#bytes.subarray(this.#start, this.#start + first));
    into.set(this.#bytes.subarray(0, count - first), first);
    this.#length -= count;
    this.#start = this.#length === 0
      ? 0
      : (this.#start + count) % this.#bytes.length;
    return count;
  }

  /** Drops the bytes and the memory. */
  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#start = this.#length = 0;
  }

  #reserve(length: number): void {
    const capacity = this.#bytes.length;
    if (length <= capacity) return;
    const bytes = new Uint8Array(
      Math.min(this.#limit, Math.max(INITIAL_CAPACITY, length, 2 * capacity)),
    );
    const held = this.#length;
    this.read(bytes.subarray(0, held));
    this.#bytes = bytes;
    this.#length = held;
  }
}
