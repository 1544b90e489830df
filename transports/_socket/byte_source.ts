import type { RawSocket } from "./raw_socket.ts";

/** Room for a read that brings no buffer of its own. */
const SCRATCH_BYTES = 64 * 1024;

/**
 * How long a closing connection listens to a peer that is still talking. A
 * socket that is released with bytes unread makes the kernel send a reset, and
 * a reset can destroy what was written last.
 */
const LINGER_MS = 500;
const LINGER_STEPS = 10;

/** What a direction of a connection needs of the connection. */
export interface Direction {
  /**
   * A reset that either direction was told of: the system tells it once, and
   * shows the other direction a mere end.
   */
  reset: Deno.errors.ConnectionReset | undefined;
  /** The error for the stream. */
  failure(action: "Read from" | "Write to", error: unknown): unknown;
  /** Called when the direction has ended by itself. */
  ended(): Promise<void>;
}

/**
 * The readable side of a socket: a byte stream that reads when it is asked to,
 * straight into the reader's buffer where the reader brings one.
 */
export class ByteSource {
  readonly #socket: RawSocket;
  readonly #direction: Direction;
  #readable: ReadableStream<Uint8Array> | undefined;
  #controller: ReadableByteStreamController | undefined;
  #scratch: Uint8Array<ArrayBuffer> | undefined;
  /** The raw read in flight. */
  #reading: Promise<number | null> | undefined;
  /** No more bytes for the stream: its end, an error or a cancel was seen. */
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  /** No more bytes from the socket. */
  #exhausted = false;
  /** What comes from now on is not for the reader. */
  #discarding = false;

  constructor(socket: RawSocket, direction: Direction) {
    this.#socket = socket;
    this.#direction = direction;
  }

  /** Made when it is asked for: a session reads past it, and saves its memory. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= this.#stream();
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
        if (this.#failure) controller.error(this.#failure.reason);
        else if (this.#ended) controller.close();
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#ended = true;
        return this.#direction.ended();
      },
    }, { highWaterMark: 0 });
  }

  /** Whether no more bytes come out of the stream. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Reads past the stream: the number of bytes, or `null` at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    if (!this.#discarding && !this.#failure) {
      try {
        const count = await (this.#reading = this.#socket.read(into));
        this.#reading = undefined;
        if (count !== null) return count;
        if (this.#direction.reset) throw this.#direction.reset;
        this.#exhausted = true;
      } catch (error) {
        this.#reading = undefined;
        this.#exhausted = true;
        // A read that our own release has interrupted has come to the end.
        if (!this.#discarding && !this.#ended) {
          this.error(this.#direction.failure("Read from", error));
        }
      }
    }
    if (this.#failure) throw this.#failure.reason;
    this.end();
    return null;
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const request = controller.byobRequest;
    const view = request?.view as Uint8Array<ArrayBuffer> | undefined;
    const into = view ?? (this.#scratch ??= new Uint8Array(SCRATCH_BYTES));
    const count = await this.read(into);
    if (count === null || this.#ended) return;
    if (request) {
      request.respond(count);
    } else if (2 * count > SCRATCH_BYTES) {
      this.#scratch = undefined;
      controller.enqueue(into.subarray(0, count));
    } else {
      controller.enqueue(into.slice(0, count));
    }
  }

  /** Ends the stream; a read that is pending sees the end. */
  end(): void {
    if (this.#ended) return;
    // The socket still reads into the reader's buffer: its pull ends the stream.
    if (this.#reading) return;
    this.#ended = true;
    this.#controller?.close();
    this.#controller?.byobRequest?.respond(0);
    this.#direction.ended();
  }

  /** Fails the stream; a read that is pending rejects with the reason. */
  error(reason: unknown): void {
    this.#failure ??= { reason };
    if (this.#ended) return;
    this.#ended = true;
    this.#controller?.error(reason);
    this.#direction.ended();
  }

  /**
   * Reads and drops what a peer that is still talking sends, until its end or
   * {@linkcode LINGER_MS}. A silent peer is not waited for.
   *
   * @param release Releases the socket, which ends a read.
   */
  async drain(release: () => void): Promise<void> {
    this.#discarding = true;
    if (this.#exhausted) return;
    const buffer = new Uint8Array(SCRATCH_BYTES);
    const reading = this.#reading ?? this.#socket.read(buffer);
    // Step by step: while the process stood still, it has not listened.
    let steps = LINGER_STEPS;
    const lingering = setInterval(() => {
      if (--steps === 0) release();
    }, LINGER_MS / LINGER_STEPS);
    await Promise.race([this.#socket.settled, reading]).catch(() => {});
    // What has arrived is read before the second of two timers of no time.
    let silence = setTimeout(() => {
      silence = setTimeout(release);
    });
    try {
      let count = await reading;
      clearTimeout(silence);
      steps = LINGER_STEPS;
      while (count !== null) count = await this.#socket.read(buffer);
    } catch {
      // The socket is gone, and with it what it had to say.
    } finally {
      clearTimeout(silence);
      clearInterval(lingering);
    }
  }
}
