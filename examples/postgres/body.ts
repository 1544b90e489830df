const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The body of a message, read from its front to its end: a `RangeError` says
 * that it has less than is read.
 */
export class Body {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** All of it as text, once text is read. */
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A number, which has a sign if it has 4 bytes. */
  int(size: 2 | 4): number {
    let value = 0;
    for (let at = this.skip(size); at < this.#at; at++) {
      value = value << 8 | (this.#bytes[at] ?? 0);
    }
    return value;
  }

  /** Text that ends in a zero byte. */
  text(): string {
    const text = this.string(this.#bytes.indexOf(0, this.#at) - this.#at);
    this.skip(1);
    return text;
  }

  /** To decode all at once, and cut, takes less time than to decode each. */
  string(length: number): string {
    const start = this.skip(length);
    const text = this.#text ??= decoder.decode(this.#bytes);
    // In ASCII, each character is a byte.
    if (text.length === this.#bytes.length) return text.slice(start, this.#at);
    return decoder.decode(this.#bytes.subarray(start, this.#at));
  }

  /** Items behind their count. */
  list<T>(readItem: (body: Body) => T): T[] {
    const items: T[] = [];
    for (let left = this.int(2); left > 0; left--) items.push(readItem(this));
    return items;
  }

  /** All bytes that are left. */
  rest(): Uint8Array {
    return this.#bytes.slice(this.#at);
  }

  /** Reads so many bytes, and returns where they begin. */
  skip(count: number): number {
    const start = this.#at;
    this.#at += count;
    if (count >= 0 && this.#at <= this.#bytes.length) return start;
    throw new RangeError("Field is longer than its message");
  }
}
