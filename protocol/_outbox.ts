import type { ByteIO } from "./_byte_io.ts";
import type { Codec } from "./codecs/codec.ts";
import { WriteBuffer } from "./codecs/write_buffer.ts";

/** What one write takes at most: larger ones gain nothing, and count late. */
const WRITE_BYTES = 64 * 1024;
const DONE = Promise.resolve();

interface Waiter extends PromiseWithResolvers<void> {
  /** Settled when so many bytes, of all that were ever queued, are taken. */
  readonly target: number;
}

/**
 * The writing half of a session: messages are encoded into one queue of bytes,
 * which goes out in as few writes as the sink allows.
 */
export class Outbox<Out> {
  #codec: Codec<unknown, Out>;
  readonly #io: ByteIO;
  readonly #highWaterMark: number;
  readonly #onError: (error: unknown) => void;
  #buffer = new WriteBuffer();
  /** How many bytes have left the buffer and are not taken. */
  #inFlight = 0;
  #taken = 0;
  #messages = 0;
  #blockedMs = 0;
  /** How many sends wait for room, and since when at least one does. */
  #blocked = 0;
  #blockedSince = 0;
  #lastActivity = 0;
  #draining = false;
  #failure: { cause: unknown } | undefined;
  #waiters: Waiter[] = [];

  constructor(
    codec: Codec<unknown, Out>,
    io: ByteIO,
    highWaterMark: number,
    onError: (error: unknown) => void,
  ) {
    this.#codec = codec;
    this.#io = io;
    this.#highWaterMark = highWaterMark;
    this.#onError = onError;
  }

  get messages(): number {
    return this.#messages;
  }
  get taken(): number {
    return this.#taken;
  }
  get blockedMs(): number {
    return this.#blocked === 0
      ? this.#blockedMs
      : this.#blockedMs + performance.now() - this.#blockedSince;
  }

  /** When bytes were last taken, as milliseconds since the epoch. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** The number of queued bytes that the transport has not taken. */
  get unsent(): number {
    return this.#inFlight + this.#buffer.length;
  }

  /** Whether nothing is queued: the next message begins a new write. */
  get idle(): boolean {
    return !this.#draining;
  }

  useCodec(codec: Codec<unknown, Out>): void {
    this.#codec = codec;
  }

  /** Queues a message; resolves when there is room for the next. */
  send(message: Out, signal?: AbortSignal): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.cause);
    if (signal?.aborted) return Promise.reject(signal.reason);
    try {
      this.#buffer.encode(this.#codec, message);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#messages++;
    if (!this.#draining) this.#drain();
    const room = this.#highWaterMark - this.#inFlight;
    return this.#holdsAtMost(room) ? DONE : this.#room(signal);
  }

  /** Resolves when the transport has taken all that is queued now. */
  flush(signal?: AbortSignal): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.cause);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { unsent } = this;
    return unsent === 0 ? DONE : this.#reached(this.#taken + unsent, signal);
  }

  /** Settles whatever waits; what is queued still goes out. */
  settle(cause: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(cause);
  }

  /** Settles whatever waits; nothing is sent any more. */
  fail(cause: unknown): void {
    if (this.#failure) return;
    this.#failure = { cause };
    this.#inFlight = this.unsent;
    this.#buffer = new WriteBuffer();
    this.settle(cause);
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#buffer.mostLength > 0) {
        await this.#gather();
        if (this.#failure) break;
        const chunk = this.#buffer.take(WRITE_BYTES);
        this.#inFlight = chunk.length;
        await this.#io.write(chunk);
        this.#inFlight -= chunk.length;
        this.#taken += chunk.length;
        this.#lastActivity = Date.now();
        if (this.#io.givesBack) this.#buffer.giveBack(chunk);
        while (this.#waiters[0] && this.#waiters[0].target <= this.#taken) {
          this.#waiters.shift()?.resolve();
        }
      }
    } catch (error) {
      this.fail(error);
      this.#onError(error);
    }
    this.#draining = false;
  }

  /** Waits for as long as each turn brings a message more, up to a full write. */
  async #gather(): Promise<void> {
    let messages = -1;
    while (
      messages !== this.#messages && this.#holdsAtMost(WRITE_BYTES)
    ) {
      messages = this.#messages;
      await undefined;
    }
  }

  /** Whether no more waits: the exact number would cost an encoding a message. */
  #holdsAtMost(bytes: number): boolean {
    return this.#buffer.mostLength <= bytes || this.#buffer.length <= bytes;
  }

  #room(signal: AbortSignal | undefined): Promise<void> {
    const queued = this.#taken + this.unsent;
    const room = this.#reached(queued - this.#highWaterMark, signal);
    if (this.#blocked++ === 0) this.#blockedSince = performance.now();
    const measure = () => {
      const { blockedMs } = this;
      if (--this.#blocked === 0) this.#blockedMs = blockedMs;
    };
    room.then(measure, measure);
    return room;
  }

  #reached(target: number, signal?: AbortSignal): Promise<void> {
    const waiter: Waiter = { ...Promise.withResolvers<void>(), target };
    const abort = () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    // A send's target is behind that of a flush that was asked for before it.
    const place =
      this.#waiters.findLastIndex((other) => other.target <= target) + 1;
    this.#waiters.splice(place, 0, waiter);
    const settled = waiter.promise.finally(() =>
      signal?.removeEventListener("abort", abort)
    );
    // Who does not wait for room learns of the session's end from the session.
    settled.catch(() => {});
    return settled;
  }
}
