import type { Address, Connection } from "../../transports/transport.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { callHook } from "../_util/call_hook.ts";
import { startTimer } from "../_util/start_timer.ts";
import type { Codec } from "../codecs/codec.ts";
import {
  EndOfStreamError,
  FlushTimeoutError,
  IdleTimeoutError,
  ProtocolError,
} from "../errors.ts";
import { noStats, type ProtocolStats } from "../stats.ts";
import { handOverMessages } from "./hand_over_messages.ts";
import { HandlerTimer } from "./handler_timer.ts";
import { MessageReader } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";
import { OwnedConnection } from "./owned_connection.ts";
import { SessionBudget } from "./session_budget.ts";
import type { SessionHost, SessionOptions } from "./session_options.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { statsOf, type Wire } from "./wire.ts";

/** How a session ends. */
export interface Ending {
  /** Why; the reason of the session's signal. */
  cause: unknown;
  /** Whether the queue is sent first, and writing ended. */
  drain: boolean;
  /** Whether `closed` rejects with the cause. */
  failed: boolean;
}

/** What learns of the end of a session; each is called at most once. */
export interface SessionOwner {
  /** The session begins to end. */
  onEnding(): void;
  /** A session that ran has ended, and its protocol knows. */
  onEnded(cause: unknown): unknown;
}

/** One connection's life: from the attempt to make it until all is released. */
export class Session<In, Out> {
  /** The bytes that are held for the peer. */
  readonly budget: SessionBudget;
  readonly #options: SessionOptions<In, Out>;
  readonly #host: SessionHost;
  readonly #owner: SessionOwner;
  readonly #ended = new AbortController();
  readonly #closed = handled();
  readonly #connection = new OwnedConnection(this.#ended.signal);
  #wire: Wire<In, Out> | undefined;
  #handlerTimer: HandlerTimer | undefined;
  #silence: SilenceWatch | undefined;
  #running = false;
  #logging = false;
  #released: Promise<void> | undefined;
  #orderly = false;
  #forced: AbortController | undefined;

  constructor(
    options: SessionOptions<In, Out>,
    host: SessionHost,
    owner: SessionOwner,
  ) {
    this.#options = options;
    this.#host = host;
    this.#owner = owner;
    this.budget = new SessionBudget(options.maxQueuedBytes, host.budget, this);
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
    return this.#connection.remoteAddress;
  }

  /** Whether messages can be sent: there is a connection, and no end yet. */
  get open(): boolean {
    return this.#wire !== undefined && this.#released === undefined;
  }

  get stats(): ProtocolStats {
    return this.#wire ? statsOf(this.#wire) : noStats;
  }

  // How it begins

  /** Waits for the connection, and begins to talk over it. */
  async start(opening: Promise<Connection>): Promise<void> {
    const connection = await this.#connection.open(opening);
    const { hooks, highWaterMark, maxMessageBytes } = this.#options;
    const codec = hooks.createCodec();
    // It may have ended the session.
    this.signal.throwIfAborted();
    const shared = { codec, connection, budget: this.budget };
    const reader = new MessageReader<In>({ ...shared, maxMessageBytes });
    const writer = new MessageWriter<Out>({
      ...shared,
      highWaterMark,
      session: this,
    });
    this.#wire = { connection, reader, writer };
    this.#limitSilence();
  }

  /** Goes on over the connection that is made of the current one. */
  async upgrade(
    change: (connection: Connection) => Promise<Connection>,
  ): Promise<void> {
    const wire = this.#requireWire();
    const { reader, writer } = wire;
    await abortable(writer.flush(), this.signal);
    if (reader.pending) {
      throw new TypeError("Cannot upgrade: a read is pending");
    }
    if (reader.unread > 0) {
      const offset = reader.bytes - reader.unread;
      throw new ProtocolError(
        `Cannot upgrade: ${reader.unread} bytes came before it at offset ${offset}`,
      );
    }
    wire.connection = await this.#connection.open(change(wire.connection));
    reader.useConnection(wire.connection);
    writer.useConnection(wire.connection);
  }

  /** Hands over every message until the stream or the session ends. */
  run(): void {
    this.#running = true;
    this.#keepAlive();
    const { reader } = this.#requireWire();
    const { hooks, log } = this.#options;
    const { budget } = this;
    const handlerTimer = this.#handlerTimer = new HandlerTimer(this);
    handOverMessages({ reader, hooks, log, budget, handlerTimer }).then(
      () => this.fail(new EndOfStreamError("Peer ended the stream")),
      (error) => this.fail(error),
    );
  }

  // What is said

  /** Waits for the next message; only before `run()`. */
  async receive(signal: AbortSignal | undefined): Promise<In> {
    const received = this.#requireWire().reader.receive(signal);
    const message = await abortable(received, this.signal);
    if (this.#options.log.logsMessages) this.#options.log.message("←", message);
    return message;
  }

  useCodec(codec: Codec<In, Out>): void {
    const { reader, writer } = this.#requireWire();
    reader.useCodec(codec);
    writer.useCodec(codec);
  }

  /** Queues a message; resolves when there is room for the next. */
  send(message: Out, signal: AbortSignal | undefined): Promise<void> {
    const { writer } = this.#requireWire();
    const { log } = this.#options;
    if (writer.idle) this.#logging = log.logsMessages;
    if (this.#logging) log.message("→", message);
    return writer.send(message, signal);
  }

  /** Resolves when the transport has taken all that is queued. */
  flush(signal: AbortSignal | undefined): Promise<void> {
    return this.#requireWire().writer.flush(signal);
  }

  /** Sends the queue and ends writing; later sends reject with the refusal. */
  endWriting(refusal: unknown, signal: AbortSignal | undefined): Promise<void> {
    return this.#requireWire().writer.end(refusal, signal);
  }

  /** Resolves when the reader waits for a message and everything is sent. */
  async rest(): Promise<void> {
    const { reader, writer } = this.#requireWire();
    while (this.open && !(reader.resting && writer.idle)) {
      if (reader.resting) await writer.flush().catch(() => {});
      else await reader.rest();
    }
  }

  // How it ends

  /** Ends the session for what has happened in it; the first cause counts. */
  fail(cause: unknown): void {
    if (this.#released) return this.#logLater(cause);
    const atEnd = cause instanceof EndOfStreamError;
    const idle = cause instanceof IdleTimeoutError;
    const orderly = this.#running && this.#isOrderlyEnd(cause);
    if (this.#running) {
      const { log } = this.#options;
      if (atEnd || idle || orderly) log.end(cause);
      else log.failure(cause, this.#host.failureLevel);
    }
    const drain = this.#running && (atEnd || idle);
    this.end({ cause, drain, failed: !orderly });
  }

  /** Warns of a handler that waits, unless it waits for the peer to read. */
  onSlowHandler(): boolean {
    if (this.budget.exceeded || this.#requireWire().writer.blocked) {
      return false;
    }
    this.#options.log.slowHandler();
    return true;
  }

  /**
   * Ends the session, in the one way there is; the first call decides how.
   *
   * 1. Nothing more begins, and all waits reject with the cause.
   * 2. In an orderly end, the queue is sent, writing ends, and the connection is
   *    closed. Otherwise the connection is aborted.
   * 3. If that takes longer than `closeTimeout`, or is forced, the connection is
   *    aborted.
   * 4. Everything is released, and `closed` settles.
   *
   * The promise settles then. It rejects if an orderly end has lost messages.
   */
  end(ending: Ending): Promise<void> {
    if (this.#released) return this.#released;
    const { promise, resolve, reject } = handled();
    this.#released = promise;
    this.#orderly = ending.drain;
    this.#announceEnd(ending.cause);
    this.#release(ending).then(resolve, reject);
    const { cause, failed } = ending;
    const fail = () => this.#closed.reject(cause);
    if (failed) promise.then(fail, fail);
    else promise.then(this.#closed.resolve, this.#closed.reject);
    return promise;
  }

  /** Cuts an end short that takes too long. */
  force(reason: unknown): void {
    this.#forced ??= new AbortController();
    this.#forced.abort(reason);
  }

  #announceEnd(cause: unknown): void {
    this.#owner.onEnding();
    this.#handlerTimer?.stop();
    this.#silence?.stop();
    this.#wire?.reader.stop();
    this.#wire?.writer.rejectWaits(cause);
    this.budget.end();
    this.#ended.abort(cause);
    if (!this.#running) return;
    this.#tell(() => this.#options.hooks.onSessionEnd(cause));
    this.#tell(() => this.#owner.onEnded(cause));
  }

  #tell(hook: () => unknown): void {
    callHook(hook, (error) => this.#logLater(error));
  }

  async #release({ cause, drain }: Ending): Promise<void> {
    const { closeTimeout } = this.#options;
    const late = `closeTimeout of ${closeTimeout} ms has passed`;
    const timer = startTimer(
      () => this.force(new DOMException(late, "TimeoutError")),
      closeTimeout,
    );
    const { signal } = this.#forced ??= new AbortController();
    try {
      await abortable(drain ? this.#finish() : this.#abort(cause), signal);
    } catch (error) {
      const unsentBytes = this.#wire?.writer.unsent ?? 0;
      this.#abort(error).catch(() => {});
      // A peer that is gone when all is sent has ended a little before us.
      if (!drain || unsentBytes === 0) return;
      if (signal.aborted) {
        const message =
          `Session was cut short: ${unsentBytes} bytes were not sent`;
        throw new FlushTimeoutError(message, unsentBytes, { cause: error });
      }
      if (!this.#isOrderlyEnd(error)) throw error;
    } finally {
      clearTimeout(timer);
      this.budget.close();
    }
  }

  async #finish(): Promise<void> {
    await this.#wire?.writer.flush();
    await this.#connection.close();
  }

  async #abort(cause: unknown): Promise<void> {
    this.#options.log.unsent(this.#wire?.writer.unsent ?? 0);
    this.#wire?.writer.drop(cause);
    await this.#connection.abort(cause);
  }

  // Its parts

  #limitSilence(): void {
    const { idleTimeout: ofServer = Infinity } = this.#host;
    const idleTimeout = Math.min(this.#options.idleTimeout, ofServer);
    if (idleTimeout === Infinity) return;
    const onIdle = () => this.fail(new IdleTimeoutError(idleTimeout));
    this.#watchSilence().onIdle(idleTimeout, onIdle);
  }

  #keepAlive(): void {
    const { keepAliveInterval, keepAliveDirection, hooks } = this.#options;
    if (keepAliveInterval === Infinity) return;
    this.#watchSilence().onSilence(
      keepAliveInterval,
      keepAliveDirection,
      () => this.#handlerTimer?.running === true || this.budget.exceeded,
      async () => {
        if (this.#wire?.writer.ended) return; // It cannot send a ping.
        try {
          await hooks.keepAlive();
        } catch (error) {
          this.fail(error);
        }
      },
    );
  }

  #watchSilence(): SilenceWatch {
    const { reader, writer } = this.#requireWire();
    return this.#silence ??= new SilenceWatch(reader, writer);
  }

  #isOrderlyEnd(cause: unknown): boolean {
    try {
      return this.#options.hooks.isOrderlyEnd(cause);
    } catch (error) {
      this.#logLater(error);
      return false;
    }
  }

  #logLater(cause: unknown): void {
    if (cause === this.signal.reason) return;
    // After an orderly end, the peer may end as it likes.
    this.#options.log.laterCause(cause, this.#orderly ? "debug" : "warn");
  }

  #requireWire(): Wire<In, Out> {
    if (!this.#wire) throw new Error("Session has no connection yet");
    return this.#wire;
  }
}
