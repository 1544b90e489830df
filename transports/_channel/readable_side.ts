/** Room for a read that brings no buffer of its own. */
const SCRATCH_BYTES = 64 * 1024;

/**
 * The readable side of a connection: a byte stream that reads when it is asked
 * to, straight into the reader's buffer if the reader brings one.
 */
export class ReadableSide {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #read: (into: Uint8Array) => Promise<number | null>;
  readonly #minRead: number;
  #controller: ReadableByteStreamController | undefined;
  #scratch: Uint8Array<ArrayBuffer> | undefined;
  #pulling = false;
  #ended = false;

  /**
   * @param read Reads some bytes: their number, or `null` at the end.
   * @param minRead The size of the smallest buffer that `read` takes.
   * @param cancel Called when the stream is cancelled.
   */
  constructor(
    read: (into: Uint8Array) => Promise<number | null>,
    minRead: number,
    cancel: () => void,
  ) {
    this.#read = read;
    this.#minRead = minRead;
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller) => void (this.#controller = controller),
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#ended = true;
        cancel();
      },
    }, { highWaterMark: 0 });
  }

  /** Whether bytes wait in the stream, or are on their way into it. */
  get holdsBytes(): boolean {
    return this.#pulling || (this.#controller?.desiredSize ?? 0) < 0;
  }

  /** Reads by the stream, which must not be locked. */
  async read(into: Uint8Array): Promise<number | null> {
    const reader = this.stream.getReader({ mode: "byob" });
    try {
      const { value, done } = await reader.read(new Uint8Array(into.length));
      if (done) return null;
      into.set(value);
      return value.length;
    } finally {
      reader.releaseLock();
    }
  }

  /** Ends the stream; a read that is pending sees the end. */
  end(): void {
    // A pull in flight still owns the reader's buffer: it ends the stream.
    if (this.#ended || this.#pulling) return;
    this.#ended = true;
    try {
      this.#controller?.close();
      // Only this gives a pending BYOB read its end (WHATWG Streams §4.7.3).
      this.#controller?.byobRequest?.respond(0);
    } catch {
      // The end is within an element of a wider view: close() fails the read.
    }
  }

  /** Fails the stream; a read that is pending rejects with the reason. */
  error(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.error(reason);
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest;
    const view = request?.view as Uint8Array<ArrayBuffer> | undefined;
    // A smaller buffer is filled by the stream, which keeps the rest.
    const fits = view !== undefined && view.length >= this.#minRead;
    const into = fits
      ? view
      : (this.#scratch ??= new Uint8Array(SCRATCH_BYTES));
    let count: number | null;
    this.#pulling = true;
    try {
      count = await this.#read(into);
    } finally {
      this.#pulling = false;
    }
    if (this.#ended) return;
    if (count === null) {
      this.end();
    } else if (fits) {
      request?.respond(count);
    } else if (2 * count > SCRATCH_BYTES) {
      this.#scratch = undefined;
      controller.enqueue(into.subarray(0, count));
    } else {
      controller.enqueue(into.slice(0, count));
    }
  }
}
