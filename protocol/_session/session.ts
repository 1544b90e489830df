import type { Address, Connection } from "../../transports/transport.ts";
import type { Logger } from "../_deps.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { loggable } from "../_util/loggable.ts";
import { printable } from "../_util/printable.ts";
import { messageOf } from "../_util/show.ts";
import type { Codec } from "../codecs/codec.ts";
import {
  EndOfStreamError,
  FlushTimeoutError,
  IdleTimeoutError,
  ProtocolError,
} from "../errors.ts";
import { noStats, type ProtocolStats } from "../stats.ts";
import { HandlerTimer } from "./handler_timer.ts";
import type { Hooks } from "./hooks.ts";
import { MessageReader } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";
import { SessionBudget, type SharedBudget } from "./session_budget.ts";
import { SilenceWatch } from "./silence_watch.ts";

/** What a session needs to know of its protocol. */
export interface SessionOptions<In, Out> {
  maxMessageBytes: number;
  highWaterMark: number;
  maxQueuedBytes: number;
  closeTimeout: number;
  idleTimeout: number | undefined;
  keepAliveInterval: number | undefined;
  logger: Logger;
  hooks: Hooks<In, Out>;
}

/** What a server, or a reconnection, decides for the sessions that it owns. */
export interface SessionHost {
  /** What all sessions of the server hold. */
  readonly budget?: SharedBudget;
  /** A second limit for the silence of a session. */
  readonly idleTimeout?: number | undefined;
  /** The level at which failures are logged: lower if somebody is told. */
  readonly failureLevel: "error" | "debug";
}

/** How a session ends. */
export interface Ending {
  /** Why; the reason of the session's signal. */
  cause: unknown;
  /** Whether what is queued is sent first, and writing ended. */
  drain: boolean;
  /** Whether `closed` rejects with the cause. */
  failed: boolean;
}

/** What there is once there is a connection. */
interface Wire<In, Out> {
  connection: Connection;
  readonly reader: MessageReader<In>;
  readonly writer: MessageWriter<Out>;
}

/** One connection's life: from the attempt to make it until all is released. */
export class Session<In, Out> {
  /** The bytes that are held for the peer. */
  readonly budget: SessionBudget;
  readonly #options: SessionOptions<In, Out>;
  readonly #host: SessionHost;
  readonly #onEnding: () => void;
  readonly #ended = new AbortController();
  readonly #closed = handled();
  /** Settled when the connection that is awaited has come, or will not come. */
  #opening: Promise<void> | undefined;
  #connection: Connection | undefined;
  #wire: Wire<In, Out> | undefined;
  #handlerTimer: HandlerTimer | undefined;
  #silence: SilenceWatch | undefined;
  #running = false;
  #logging = false;
  #released: Promise<void> | undefined;
  #orderly = false;
  #forced: AbortController | undefined;

  /** @param onEnding Called once, when the session begins to end. */
  constructor(
    options: SessionOptions<In, Out>,
    host: SessionHost,
    onEnding: () => void,
  ) {
    this.#options = options;
    this.#host = host;
    this.#onEnding = onEnding;
    this.budget = new SessionBudget(
      options.maxQueuedBytes,
      host.budget,
      (cause) => this.fail(cause),
    );
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
    return this.#wire !== undefined && this.#released === undefined;
  }

  get stats(): ProtocolStats {
    if (!this.#wire) return noStats;
    const { reader, writer } = this.#wire;
    const lastActivity = Math.max(reader.lastActivity, writer.lastActivity);
    return {
      messagesReceived: reader.messages,
      messagesSent: writer.messages,
      bytesReceived: reader.bytes,
      bytesSent: writer.taken,
      queuedBytes: writer.unsent,
      blockedMs: writer.blockedMs,
      lastActivity: lastActivity ? new Date(lastActivity) : undefined,
    };
  }

  // How it begins

  /** Waits for the connection, and begins to talk over it. */
  async start(opening: Promise<Connection>): Promise<void> {
    const connection = await this.#own(opening);
    const { budget } = this;
    const { hooks, highWaterMark, maxMessageBytes } = this.#options;
    const codec = hooks.createCodec();
    const reader = new MessageReader<In>({
      codec,
      connection,
      budget,
      maxMessageBytes,
    });
    const writer = new MessageWriter<Out>({
      codec,
      connection,
      budget,
      highWaterMark,
      onError: (cause) => this.fail(cause),
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
    wire.connection = await this.#own(change(wire.connection));
    reader.useConnection(wire.connection);
    writer.useConnection(wire.connection);
  }

  /** Hands over every message until the stream or the session ends. */
  run(): void {
    this.#running = true;
    this.#keepAlive();
    this.#read().then(
      () => this.fail(new EndOfStreamError("Peer ended the stream")),
      (error) => this.fail(error),
    );
  }

  // What is said

  /** Waits for the next message; only before `run()`. */
  async receive(signal: AbortSignal | undefined): Promise<In> {
    const received = this.#requireWire().reader.receive(signal);
    const message = await abortable(received, this.signal);
    if (this.#options.logger.isEnabledFor("debug")) this.#log("←", message);
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
    if (writer.idle) this.#logging = this.#options.logger.isEnabledFor("debug");
    if (this.#logging) this.#log("→", message);
    return writer.send(message, signal);
  }

  /** Resolves when the transport has taken all that is queued. */
  flush(signal: AbortSignal | undefined): Promise<void> {
    return this.#requireWire().writer.flush(signal);
  }

  /** Ends writing after what is queued; later sends reject with the refusal. */
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
    if (this.#running) this.#logEnd(cause, atEnd || idle || orderly);
    const drain = this.#running && (atEnd || idle);
    this.end({ cause, drain, failed: !orderly });
  }

  /**
   * Ends the session, in the one way there is; the first call decides how.
   *
   * 1. Nothing begins any more, and all waits learn of the cause.
   * 2. In an orderly end, what is queued is sent, writing ends, and the
   *    connection is closed. Otherwise the connection is aborted.
   * 3. If that takes longer than `closeTimeout`, or is forced, the connection is
   *    aborted.
   * 4. Everything is released, and `closed` settles.
   *
   * The promise settles then. It rejects if an orderly end has lost what was
   * queued.
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
    this.#onEnding();
    this.#handlerTimer?.stop();
    this.#silence?.stop();
    this.#wire?.reader.stop();
    this.#wire?.writer.rejectWaits(cause);
    this.budget.end();
    this.#ended.abort(cause);
    if (!this.#running) return;
    try {
      this.#options.hooks.onSessionEnd(cause);
    } catch (error) {
      this.#logLater(error);
    }
  }

  async #release({ cause, drain }: Ending): Promise<void> {
    const { closeTimeout } = this.#options;
    const late = `closeTimeout of ${closeTimeout} ms has passed`;
    const timer = setTimeout(
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
      const message =
        `Session was cut short: ${unsentBytes} bytes were not sent`;
      throw signal.aborted
        ? new FlushTimeoutError(message, unsentBytes, { cause: error })
        : error;
    } finally {
      clearTimeout(timer);
      this.budget.close();
    }
  }

  async #finish(): Promise<void> {
    await this.#wire?.writer.flush();
    await this.#connection?.closeWrite();
    await this.#connection?.close();
  }

  async #abort(cause: unknown): Promise<void> {
    const unsentBytes = this.#wire?.writer.unsent ?? 0;
    if (unsentBytes > 0) {
      this.#options.logger.warn("{unsentBytes} bytes were not sent", {
        unsentBytes,
      });
    }
    this.#wire?.writer.drop(cause);
    this.#connection?.abort(cause);
    await this.#opening;
    await this.#connection?.close();
  }

  // Its parts

  /** Owns a connection from the moment it comes, also if that is after the end. */
  async #own(opening: Promise<Connection>): Promise<Connection> {
    this.#opening = opening.then((connection) => {
      this.#connection = connection;
      if (this.signal.aborted) connection.abort(this.signal.reason);
    }, () => {});
    const connection = await abortable(opening, this.signal);
    this.signal.throwIfAborted();
    this.#opening = undefined;
    return connection;
  }

  async #read(): Promise<void> {
    const { reader } = this.#requireWire();
    const { logger, hooks } = this.#options;
    const { budget } = this;
    const timer = this.#handlerTimer = new HandlerTimer(() => this.#isSlow());
    const started = hooks.onSessionStart();
    if (started) await started;
    if (reader.pending) await reader.pending;
    do {
      const logging = logger.isEnabledFor("debug");
      for (;;) {
        const message = reader.decode();
        if (message === undefined) break;
        if (logging) this.#log("←", message);
        const { messageBytes } = reader;
        const held = hooks.onMessage(
          hooks.filterInbound(message),
          messageBytes,
        );
        // A promise a message costs more than the message: wait only for one.
        if (held) {
          reader.count();
          timer.begin();
          await held;
          timer.end();
        }
        // Only what handlers keep or send can exceed it here.
        if (budget.used > 0 && budget.exceeded) {
          reader.count();
          await budget.room();
        }
      }
    } while (reader.fill(await reader.read()));
    if (this.open) await hooks.onEnd();
  }

  /** Tells of a handler that waits, unless it waits for the peer to read. */
  #isSlow(): boolean {
    if (this.budget.exceeded || this.#requireWire().writer.blocked) {
      return false;
    }
    this.#options.logger.warn(
      "onMessage() has not settled for 5 seconds: no message is handed over " +
        "until it does. If it waits for a message, it waits for ever",
    );
    return true;
  }

  #limitSilence(): void {
    const own = this.#options.idleTimeout ?? Infinity;
    const idleTimeout = Math.min(own, this.#host.idleTimeout ?? Infinity);
    if (idleTimeout === Infinity) return;
    this.#watchSilence().onIdle(idleTimeout, () => {
      this.fail(new IdleTimeoutError(idleTimeout));
    });
  }

  #watchSilence(): SilenceWatch {
    const { reader, writer } = this.#requireWire();
    return this.#silence ??= new SilenceWatch(reader, writer);
  }

  #keepAlive(): void {
    const { keepAliveInterval, hooks } = this.#options;
    if (keepAliveInterval === undefined) return;
    let pending = false;
    this.#watchSilence().onSilence(keepAliveInterval, async () => {
      if (pending) return;
      pending = true;
      try {
        await hooks.keepAlive();
      } catch (error) {
        this.fail(error);
      }
      pending = false;
    });
  }

  #isOrderlyEnd(cause: unknown): boolean {
    try {
      return this.#options.hooks.isOrderlyEnd(cause);
    } catch (error) {
      this.#logLater(error);
      return false;
    }
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

  #logEnd(cause: unknown, expected: boolean): void {
    const { logger } = this.#options;
    if (expected) {
      logger.info("{message}", { message: printable(messageOf(cause)) });
    } else {
      logger[this.#host.failureLevel]("Session failed: {error}", {
        error: loggable(cause),
      });
    }
  }

  #logLater(cause: unknown): void {
    // Once a session has ended, its stream ends too.
    if (cause === this.signal.reason || cause instanceof EndOfStreamError) {
      return;
    }
    // After an orderly end, the peer may end as it likes.
    const level = this.#orderly ? "debug" : "warn";
    this.#options.logger[level]("Later cause: {cause}", {
      cause: loggable(cause),
    });
  }

  #requireWire(): Wire<In, Out> {
    if (!this.#wire) throw new Error("Session has no connection yet");
    return this.#wire;
  }
}
