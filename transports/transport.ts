/** Where an end of a connection is, or where one can be reached. */
export type Address =
  | {
    readonly transport: "tcp" | "tls";
    readonly hostname: string;
    readonly port: number;
  }
  | { readonly transport: "unix"; readonly path: string }
  | { readonly transport: "memory"; readonly name: string };

/** Options of whatever waits. */
export interface WaitOptions {
  /**
   * Ends the wait: the promise rejects with the signal's reason. Once the wait
   * is over, no listener is left on the signal.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
}

/**
 * Reading and writing without the streams between: a reply comes 5 µs sooner,
 * of 30. What `close()` and `abort()` promise holds here as it does there.
 */
export interface DirectIO {
  /** Reads some bytes: their number, or `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Writes all of the bytes; the next write begins when this one has resolved.
   * Their buffer can be used again then.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our writing, as `writable.close()` does. */
  end(): Promise<void>;
}

/**
 * Two independent directions of bytes.
 *
 * The peer's end of writing is the end of {@linkcode Connection.readable} and
 * nothing more: writing goes on. `writable.close()` ends our writing only. Who
 * got the connection owns it, and ends it with `close()` or `abort()`.
 */
export interface Connection extends AsyncDisposable {
  /** What the peer sends. A byte stream: BYOB readers work. */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * What we send. When a write's promise resolves, the transport has taken all
   * of the chunk, and its buffer can be used again.
   */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * For who uses neither stream and wants to be faster than they are. Not every
   * transport has it.
   */
  readonly direct?: DirectIO;
  /** Our end. */
  readonly localAddress: Address;
  /** The peer's end. */
  readonly remoteAddress: Address;
  /**
   * Ends the connection in an orderly way: finishes the writes, ends writing,
   * and releases everything. Nothing that was written is lost. Idempotent;
   * reads that are pending see the end of the stream.
   */
  close(): Promise<void>;
  /**
   * Ends the connection at once: pending and later reads and writes reject with
   * the reason itself. Idempotent.
   */
  abort(reason?: unknown): void;
}

/**
 * A bound address that connections arrive at. Iterating it accepts one after
 * the other until it is closed; what the system is short of for the moment,
 * such as file descriptors, rejects an `accept()` and only delays an iteration.
 */
export interface Listener extends AsyncIterable<Connection>, AsyncDisposable {
  /** The real address: where port 0 was asked for, the port that was given. */
  readonly address: Address;
  /**
   * Waits for the next connection. An aborted wait leaks nothing: the
   * connection that was about to arrive goes to the next `accept()`.
   */
  accept(options?: WaitOptions): Promise<Connection>;
  /**
   * Stops listening; what waits in `accept()` rejects, and an iteration ends.
   * When the promise resolves, the address can be bound again. Idempotent.
   */
  close(): Promise<void>;
}

/** A way for two ends to meet: plain data, and the two things to do with it. */
export interface Transport {
  /** Connects to the address. An aborted attempt leaves nothing open. */
  connect(options?: WaitOptions): Promise<Connection>;
  /** Binds the address and listens at it. */
  listen(options?: WaitOptions): Promise<Listener>;
  /** The address in the address grammar, such as `tcp://127.0.0.1:4444`. */
  toString(): string;
}
