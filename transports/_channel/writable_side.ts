/** What the writable side of a connection calls. */
export interface WritableHooks {
  /** Called when the stream accepts a write, before the write's turn comes. */
  accepted(): void;
  /** Writes all of the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends writing. */
  close(): Promise<void>;
  /** Ends the connection at once. */
  abort(reason: unknown): void;
}

/** The writable side of a connection: one write at a time, each to its end. */
export class WritableSide {
  readonly stream: WritableStream<Uint8Array>;
  #controller: WritableStreamDefaultController | undefined;

  constructor(hooks: WritableHooks) {
    this.stream = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        const { signal } = controller;
        // Comes at once; the sink's abort() waits for the write in flight.
        signal.addEventListener("abort", () => {
          // The stream fails by itself, and writer.abort() is to resolve.
          this.#controller = undefined;
          hooks.abort(signal.reason);
        }, { once: true });
      },
      write: (chunk) => hooks.write(chunk),
      close: () => hooks.close(),
    }, {
      highWaterMark: 1,
      // Nothing else sees a write when it is queued.
      size: () => {
        hooks.accepted();
        return 1;
      },
    });
  }

  /** Fails the stream, unless it is closed; its writes reject with the reason. */
  error(reason: unknown): void {
    this.#controller?.error(reason);
  }
}
