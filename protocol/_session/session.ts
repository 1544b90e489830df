import type { Address, Connection } from "../../transports/transport.ts";
import type { Logger } from "../_deps.ts";
import type { Hooks } from "./hooks.ts";
import { handled } from "../_util/abortable.ts";
import { loggable } from "../_util/loggable.ts";
import { MessageReader } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";
import { SessionBudget, type SharedBudget } from "./session_budget.ts";
import type { Codec } from "../codecs/codec.ts";
import { FlushTimeoutError } from "../errors.ts";
import type { ProtocolStats } from "../stats.ts";

/** What a session needs to know of its protocol. */
export interface SessionOptions<In, Out> {
  highWaterMark: number;
  maxQueuedBytes: number;
  closeTimeout: number;
  logger: Logger;
  hooks: Hooks<In, Out>;
  /**
   * Filters and hands over an incoming message. A closure, unlike the hooks: where
   * several protocols have sessions, V8 inlines it, and not two hooks; that is 6 %
   * of receiving.
   */
  deliver(message: In, bytes: number): void | Promise<void>;
}

/** How a session ends. */
export interface Ending {
  /** Why; the reason of the session's signal. */
  cause: unknown;
  /** Whether what is queued is sent first, and writing ended. */
  drain: boolean;
  /** Whether the cause is a failure, which `closed` rejects with. */
  failed: boolean;
}

/** What there is to talk with, once there is a connection. */
interface Wire<In, Out> {
  connection: Connection;
  inbox: MessageReader<In>;
  outbox: MessageWriter<Out>;
}

/** One connection's life: from the attempt to make it until all is released. */
export class Session<In, Out> {
  /** The bytes that are held for the peer. */
  readonly budget: SessionBudget;
  readonly #options: SessionOptions<In, Out>;
  readonly #onError: (cause: unknown) => void;
  readonly #ended = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #opening: Promise<void> | undefined;
  #connection: Connection | undefined;
  #wire: Wire<In, Out> | undefined;
  /** As `signal.aborted`, which costs 5 % of reading when asked a message. */
  #hasEnded = false;
  /** What the end cuts short; a listener on the signal would take 0.5 KiB. */
  #waits: PromiseWithResolvers<never>[] = [];
  #forced: { readonly reason: unknown } | undefined;
  #cutShort: ((reason: unknown) => void) | undefined;
  #logging = false;
  /** Whether the reader waits for bytes, and has none of a message. */
  #resting = false;
  #onRest: PromiseWithResolvers<void> | undefined;

  /**
   * @param shared The budget of the session's server.
   * @param onError Told when reading or writing fails.
   */
  constructor(
    options: SessionOptions<In, Out>,
    shared: SharedBudget | undefined,
    onError: (cause: unknown) => void,
  ) {
    this.budget = new SessionBudget(options.maxQueuedBytes, shared, onError);
    this.#options = options;
    this.#onError = onError;
    this.#closed.promise.catch(() => {});
  }

  /** Aborted when the session ends, with its first cause. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Settles when the session has ended and everything is released. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get remoteAddress(): Address | undefined {
    return this.#connection?.remoteAddress;
  }

  /** Whether messages can be sent: there is a connection, and no end yet. */
  get open(): boolean {
    return this.#wire !== undefined && !this.#hasEnded;
  }

  get stats(): ProtocolStats {
    const { inbox, outbox } = this.#wire ?? {};
    const lastActivity = Math.max(
      inbox?.lastActivity ?? 0,
      outbox?.lastActivity ?? 0,
    );
    return {
      messagesReceived: inbox?.messages ?? 0,
      messagesSent: outbox?.messages ?? 0,
      bytesReceived: inbox?.bytes ?? 0,
      bytesSent: outbox?.taken ?? 0,
      queuedBytes: outbox?.unsent ?? 0,
      blockedMs: outbox?.blockedMs ?? 0,
      lastActivity: lastActivity ? new Date(lastActivity) : undefined,
    };
  }

  /**
   * Waits for the connection and begins to talk over it. The connection is
   * owned from the moment it arrives, also where that is after the end.
   */
  async start(opened: Promise<Connection>): Promise<void> {
    this.#opening = opened.then(
      (connection) => {
        this.#connection = connection;
        if (this.signal.aborted) connection.abort(this.signal.reason);
      },
      () => {},
    );
    const connection = await this.raceWithEnd(opened);
    this.#opening = undefined;
    const codec = this.#options.hooks.createCodec();
    const outbox = {
      codec,
      connection,
      highWaterMark: this.#options.highWaterMark,
      budget: this.budget,
      onError: this.#onError,
    };
    this.#wire = {
      connection,
      inbox: new MessageReader(codec, connection, this.budget),
      outbox: new MessageWriter(outbox),
    };
  }

  /** Settles like the promise, or rejects with the cause when the session ends first. */
  async raceWithEnd<T>(promise: Promise<T>): Promise<T> {
    const ended = Promise.withResolvers<never>();
    this.#waits.push(ended);
    if (this.#hasEnded) ended.reject(this.signal.reason);
    try {
      const value = await Promise.race([promise, ended.promise]);
      this.signal.throwIfAborted();
      return value;
    } finally {
      this.#waits = this.#waits.filter((wait) => wait !== ended);
    }
  }

  /** Waits for the next message; only before `read()`. */
  async receive(signal: AbortSignal | undefined): Promise<In> {
    const message = await this.#requireWire().inbox.receive(signal);
    if (this.#options.logger.isEnabledFor("debug")) this.#log("←", message);
    return message;
  }

  /** Hands over every message until the stream or the session ends. */
  async read(): Promise<void> {
    const inbox = this.#requireWire().inbox;
    const { logger, hooks, deliver } = this.#options;
    const { budget } = this;
    await inbox.pending;
    let more: boolean;
    do {
      const logging = logger.isEnabledFor("debug");
      while (!this.#hasEnded) {
        const message = inbox.decode();
        if (message === undefined) break;
        if (logging) this.#log("←", message);
        // A promise a message costs more than the message: wait only for one.
        const held = deliver(message, inbox.messageBytes);
        if (held) {
          inbox.count();
          await held;
        }
        if (budget.exceeded) {
          inbox.count();
          await budget.room();
        }
      }
      if (this.#hasEnded) return inbox.discard();
      this.#resting = inbox.unread === 0;
      if (this.#resting) this.#onRest?.resolve();
      const read = await inbox.read();
      this.#resting = false;
      more = inbox.fill(read);
    } while (more);
    if (!this.#hasEnded) await hooks.onEnd();
  }

  /** Resolves when the reader waits for a message, and everything is sent. */
  async rest(): Promise<void> {
    while (this.open && !(this.#resting && this.#requireWire().outbox.idle)) {
      if (this.#resting) await this.flush(undefined).catch(() => {});
      else await (this.#onRest = handled()).promise;
    }
  }

  useCodec(codec: Codec<In, Out>): void {
    const { inbox, outbox } = this.#requireWire();
    inbox.useCodec(codec);
    outbox.useCodec(codec);
  }

  /** Queues a message; resolves when there is room for the next. */
  send(message: Out, signal: AbortSignal | undefined): Promise<void> {
    const outbox = this.#requireWire().outbox;
    if (outbox.idle) this.#logging = this.#options.logger.isEnabledFor("debug");
    if (this.#logging) this.#log("→", message);
    return outbox.send(message, signal);
  }

  /** Resolves when the transport has taken all that is queued. */
  flush(signal: AbortSignal | undefined): Promise<void> {
    return this.#requireWire().outbox.flush(signal);
  }

  /** Ends the session; the first call decides how. */
  end({ cause, drain, failed }: Ending): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ended.abort(cause);
    for (const { reject } of this.#waits) reject(cause);
    this.budget.end();
    this.#onRest?.resolve();
    this.#wire?.outbox.settle(cause);
    this.#release(drain, cause).finally(() => this.budget.close()).then(
      () => failed ? this.#closed.reject(cause) : this.#closed.resolve(),
      (error) => this.#closed.reject(failed ? cause : error),
    );
  }

  /** Cuts an end short that takes too long. */
  force(reason: unknown): void {
    this.#forced ??= { reason };
    this.#cutShort?.(reason);
  }

  #log(direction: "→" | "←", message: In | Out): void {
    const { logger, hooks } = this.#options;
    let described: unknown;
    try {
      described = hooks.describe(message);
    } catch (error) {
      described = error;
    }
    logger.debug(`${direction} {message}`, { message: loggable(described) });
  }

  #requireWire(): Wire<In, Out> {
    const wire = this.#wire;
    // A mere test for truth is seven comparisons, and this is asked each send.
    if (wire === undefined) throw new Error("Session has no connection yet");
    return wire;
  }

  /** Lets go of everything; rejects when that cost an orderly end its queue. */
  async #release(drain: boolean, cause: unknown): Promise<void> {
    const late = `closeTimeout of ${this.#options.closeTimeout} ms has passed`;
    const timer = setTimeout(
      () => this.force(new DOMException(late, "TimeoutError")),
      this.#options.closeTimeout,
    );
    const released = drain ? this.#finish() : this.#abandon(cause);
    const forced = new Promise<never>((_, reject) => {
      this.#cutShort = reject;
      if (this.#forced) reject(this.#forced.reason);
    });
    try {
      await Promise.race([released, forced]);
    } catch (error) {
      const unsentBytes = this.#wire?.outbox.unsent ?? 0;
      this.#abandon(error).catch(() => {});
      // A peer that is gone when all is sent has ended a little before us.
      if (!drain || unsentBytes === 0) return;
      const message =
        `Session was cut short: ${unsentBytes} bytes were not sent`;
      throw this.#forced
        ? new FlushTimeoutError(message, unsentBytes, { cause: error })
        : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #finish(): Promise<void> {
    await this.#wire?.outbox.flush(undefined);
    await this.#wire?.connection.closeWrite();
    await this.#connection?.close();
  }

  async #abandon(cause: unknown): Promise<void> {
    const unsentBytes = this.#wire?.outbox.unsent ?? 0;
    if (unsentBytes > 0) {
      this.#options.logger.warn("{unsentBytes} bytes were not sent", {
        unsentBytes,
      });
    }
    this.#wire?.outbox.fail(cause);
    this.#connection?.abort(cause);
    await this.#opening;
    await this.#connection?.close();
  }
}
