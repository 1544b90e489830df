const FIRST_BYTES = 1024;

/** Bytes that come in pieces. The buffer doubles, so copying takes linear time. */
export class GrowingBytes {
  #buffer = new Uint8Array(0);
  #length = 0;

  /** All bytes so far, valid until the next `push()`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const size = Math.max(FIRST_BYTES, length, 2 * this.#buffer.length);
      const larger = new Uint8Array(size);
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }
}
