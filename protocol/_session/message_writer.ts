import type { Connection } from "../../transports/transport.ts";
import { delay } from "../_deps.ts";
import { abortable, handled, rejected } from "../_util/abortable.ts";
import { SENT } from "../_util/sent.ts";
import type { ByteBudget } from "../byte_budget.ts";
import type { Codec } from "../codecs/codec.ts";
import { WriteBuffer } from "../codecs/write_buffer.ts";
import { QueueLimitError } from "../errors.ts";
import type { FailingSession } from "./session_budget.ts";

/** The most that one write takes: larger ones gain nothing, and count late. */
const WRITE_BYTES = 64 * 1024;

/** What a writer needs. */
export interface MessageWriterOptions<Out> {
  codec: Codec<unknown, Out>;
  connection: Connection;
  /** How many bytes may be queued before a send waits. */
  highWaterMark: number;
  /** Counts the queue; if the queue is over the limit, the session ends. */
  budget: ByteBudget;
  /** Told when writing fails. */
  session: FailingSession;
}

interface Flush extends PromiseWithResolvers<void> {
  /** Resolved when so many bytes are taken, of all that were ever queued. */
  readonly target: number;
}

/** The wait of all sends that found no room. */
interface Room extends PromiseWithResolvers<void> {
  readonly since: number;
}

/**
 * The writing half of a session: messages are encoded into one queue of bytes,
 * which goes out in as few writes as the sink allows.
 */
export class MessageWriter<Out> {
  #codec: Codec<unknown, Out>;
  #connection: Connection;
  readonly #highWaterMark: number;
  readonly #budget: ByteBudget;
  readonly #session: FailingSession;
  #buffer = new WriteBuffer();
  /** The number of bytes that have left the buffer and are not taken. */
  #inFlight = 0;
  /** How many bytes the budget has been told of. */
  #counted = 0;
  #taken = 0;
  #messages = 0;
  #blockedMs = 0;
  #lastActivity = 0;
  #draining = false;
  /** Why nothing more is queued. */
  #refusal: { cause: unknown } | undefined;
  /** Why nothing more is sent. */
  #failure: { cause: unknown } | undefined;
  #room: Room | undefined;
  /** In the order of their targets. */
  readonly #flushes: Flush[] = [];

  constructor(options: MessageWriterOptions<Out>) {
    this.#codec = options.codec;
    this.#connection = options.connection;
    this.#budget = options.budget;
    this.#highWaterMark = Math.min(
      options.highWaterMark,
      options.budget.limit,
    );
    this.#session = options.session;
  }

  /** The number of messages that were queued. */
  get messages(): number {
    return this.#messages;
  }

  /** The number of bytes that the transport has taken. */
  get taken(): number {
    return this.#taken;
  }

  /** For how long sends found no room, in milliseconds. */
  get blockedMs(): number {
    const since = this.#room?.since;
    return this.#blockedMs + (since ? performance.now() - since : 0);
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

  /** Whether no more messages are taken. */
  get ended(): boolean {
    return this.#refusal !== undefined;
  }

  /** Whether a send waits for room. */
  get blocked(): boolean {
    return this.#room !== undefined;
  }

  useCodec(codec: Codec<unknown, Out>): void {
    this.#codec = codec;
  }

  useConnection(connection: Connection): void {
    this.#connection = connection;
  }

  /** Queues a message; resolves when there is room for the next. */
  send(message: Out, signal: AbortSignal | undefined): Promise<void> {
    if (this.#refusal) return rejected(this.#refusal.cause);
    if (signal?.aborted) return rejected(signal.reason);
    if (this.#queued > this.#budget.limit) return this.#overflow();
    try {
      this.#buffer.encode(this.#codec, message);
    } catch (error) {
      return rejected(error);
    }
    this.#messages++;
    if (!this.#draining) this.#drain();
    if (this.#hasRoom()) return SENT;
    this.#count();
    this.#room ??= { ...handled(), since: performance.now() };
    return abortable(this.#room.promise, signal);
  }

  /** Resolves when the transport has taken all that is queued now. */
  flush(signal?: AbortSignal): Promise<void> {
    if (this.#failure) return rejected(this.#failure.cause);
    if (signal?.aborted) return rejected(signal.reason);
    const { unsent } = this;
    if (unsent === 0) return SENT;
    const flush = { ...handled(), target: this.#taken + unsent };
    this.#flushes.push(flush);
    return abortable(flush.promise, signal);
  }

  /** Takes no more messages, sends the queue, and ends writing. */
  end(refusal: unknown, signal: AbortSignal | undefined): Promise<void> {
    this.#refusal ??= { cause: refusal };
    const ended = this.flush().then(() => this.#connection.closeWrite());
    ended.catch(() => {});
    return abortable(ended, signal);
  }

  /** Rejects all waits; the queue still goes out. */
  rejectWaits(cause: unknown): void {
    this.#endWait()?.reject(cause);
    for (const flush of this.#flushes.splice(0)) flush.reject(cause);
  }

  /** Drops the queue, takes no more messages, and rejects all waits. */
  drop(cause: unknown): void {
    if (this.#failure) return;
    this.#failure = this.#refusal = { cause };
    this.#inFlight = this.unsent;
    this.#buffer = new WriteBuffer();
    this.#budget.release(this.#counted);
    this.#counted = 0;
    this.rejectWaits(cause);
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      while (this.#buffer.leastLength > 0) {
        await this.#gather();
        if (this.#failure) break;
        const chunk = this.#buffer.take(WRITE_BYTES);
        this.#inFlight = chunk.length;
        this.#count();
        await this.#connection.write(chunk);
        this.#inFlight -= chunk.length;
        this.#taken += chunk.length;
        this.#lastActivity = Date.now();
        this.#count();
        this.#buffer.giveBack();
        this.#wake();
      }
    } catch (error) {
      // A peer that has left may have said why: what has arrived is read first.
      await delay(0, { signal: this.#session.signal }).catch(() => {});
      this.drop(error);
      this.#session.fail(error);
    }
    this.#draining = false;
  }

  /** Waits while each turn brings one more message, up to a full write. */
  async #gather(): Promise<void> {
    let messages = -1;
    while (
      messages !== this.#messages && this.#buffer.leastLength < WRITE_BYTES
    ) {
      messages = this.#messages;
      await undefined;
    }
  }

  #wake(): void {
    if (this.#hasRoom()) this.#endWait()?.resolve();
    const waiting = this.#flushes.findIndex((f) => f.target > this.#taken);
    const done = waiting < 0 ? this.#flushes.length : waiting;
    for (const flush of this.#flushes.splice(0, done)) flush.resolve();
  }

  #endWait(): Room | undefined {
    this.#blockedMs = this.blockedMs;
    const room = this.#room;
    this.#room = undefined;
    return room;
  }

  #hasRoom(): boolean {
    return this.#queued <= this.#highWaterMark;
  }

  /** Text that is not encoded yet counts as it is at least. */
  get #queued(): number {
    return this.#inFlight + this.#buffer.leastLength;
  }

  /** Tells the budget the length of the queue: at each write, and while sends wait. */
  #count(): void {
    const more = this.#queued - this.#counted;
    this.#counted += more;
    if (more > 0) this.#budget.take(more);
    else if (more < 0) this.#budget.release(-more);
  }

  /** Ends a session whose peer does not read. */
  #overflow(): Promise<never> {
    const { limit } = this.#budget;
    const queued = this.#queued;
    const error = new QueueLimitError(
      `Cannot send: ${queued} bytes are queued that the peer does not read: maxQueuedBytes is ${limit}`,
      limit,
      queued,
    );
    this.drop(error);
    this.#session.fail(error);
    return rejected(error);
  }
}
