import type { Direction } from "./byte_source.ts";
import type { RawSocket } from "./raw_socket.ts";

/**
 * The writable side of a socket: one write at a time, each until the kernel
 * has taken all of the chunk.
 */
export class ByteSink {
  readonly #socket: RawSocket;
  readonly #direction: Direction;
  readonly #abort: (reason: unknown) => void;
  #writable: WritableStream<Uint8Array> | undefined;
  #controller: WritableStreamDefaultController | undefined;
  /** Writes that the stream has accepted and the socket has not yet taken. */
  #unwritten = 0;
  /** How many of these are to be finished before `whenWritten`. */
  #remaining = 0;
  #whenWritten: (() => void) | undefined;
  #writing = false;
  #failure: { readonly reason: unknown } | undefined;
  #ending: Promise<void> | undefined;

  /** @param abort Ends the connection, as only that wakes a pending write. */
  constructor(
    socket: RawSocket,
    direction: Direction,
    abort: (reason: unknown) => void,
  ) {
    this.#socket = socket;
    this.#direction = direction;
    this.#abort = abort;
  }

  /** Made when it is asked for: a session writes past it, and saves its memory. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= this.#stream();
  }

  #stream(): WritableStream<Uint8Array> {
    return new WritableStream({
      start: (controller) => {
        if (this.#failure) return controller.error(this.#failure.reason);
        this.#controller = controller;
        const { signal } = controller;
        signal.addEventListener("abort", () => {
          if (!this.#writing) return;
          // The stream fails by itself, and its abort() is to resolve.
          this.#controller = undefined;
          this.#abort(signal.reason);
        }, { once: true });
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: () => this.close().catch(() => {}),
    }, {
      highWaterMark: 1,
      // The one place that sees a write when it is queued.
      size: () => {
        this.#unwritten++;
        return 1;
      },
    });
  }

  /** Whether nothing more is written. */
  get ended(): boolean {
    return this.#failure !== undefined || this.#ending !== undefined;
  }

  /** Writes past the stream; one write at a time. */
  write(chunk: Uint8Array): Promise<void> {
    this.#unwritten++;
    return this.#write(chunk);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#writing = true;
    try {
      if (this.#ending) {
        throw new Deno.errors.BadResource("the connection is closed");
      }
      let written = await this.#socket.write(chunk);
      while (written < chunk.length) {
        written += await this.#socket.write(chunk.subarray(written));
      }
    } catch (error) {
      const reason = this.#direction.failure("Write to", error);
      this.#failure = { reason };
      this.#whenWritten?.();
      this.#direction.ended();
      throw reason;
    } finally {
      this.#writing = false;
    }
    this.#unwritten--;
    if (this.#remaining > 0 && --this.#remaining === 0) this.#whenWritten?.();
  }

  /** Ends writing, after the writes made so far. */
  async close(): Promise<void> {
    try {
      await this.#end();
    } catch (error) {
      throw this.#direction.failure("Write to", error);
    } finally {
      this.#whenWritten?.();
      await this.#direction.ended();
    }
  }

  #end(): Promise<void> {
    return this.#ending ??= this.#socket.closeWrite();
  }

  /**
   * Ends writing after the writes made so far; later ones reject. What fails
   * is reported by the write that failed.
   */
  async finish(): Promise<void> {
    if (this.#unwritten > 0 && !this.ended) {
      this.#remaining = this.#unwritten;
      await new Promise<void>((resolve) => {
        this.#whenWritten = () => {
          if (!this.#failure) this.#end();
          resolve();
        };
      });
    }
    if (!this.#failure) await this.#end().catch(() => {});
  }

  /** Fails the stream; a write that is pending rejects with the reason. */
  error(reason: unknown): void {
    this.#failure ??= { reason };
    this.#controller?.error(reason);
    this.#whenWritten?.();
  }
}
