import type {
  Address,
  Connection,
  Listener,
  Transport,
  WaitOptions,
} from "../transports/transport.ts";
import { getLogger, type Logger } from "./_deps.ts";
import { RunstateMachine } from "./_runstate_machine.ts";
import { type Ending, Session } from "./_session.ts";
import type { Codec } from "./codecs/codec.ts";
import { ConnectError, EndOfStreamError, StateError } from "./errors.ts";
import { Runstate } from "./runstate.ts";
import type { ProtocolStats } from "./stats.ts";

/** Options of every protocol. */
export interface AsyncProtocolOptions {
  /**
   * A name for logs and inspection.
   *
   * @default {undefined}
   */
  name?: string;
  /**
   * The most bytes that an incoming message may take. It is for the codec,
   * which has a limit of its own where none is given here.
   *
   * @default {undefined}
   */
  maxMessageBytes?: number;
  /**
   * How many bytes may be queued before `send()` waits for room.
   *
   * @default {65536}
   */
  highWaterMark?: number;
  /**
   * For how long an orderly end may take, in milliseconds, before it is forced.
   *
   * @default {5000}
   */
  closeTimeout?: number;
}

/** A connect() or accept() under way. */
interface Attempt {
  abort(reason: unknown): void;
  /** Fulfils when the attempt has ended, well or not. */
  ended: Promise<void>;
}

/**
 * A session that exchanges messages with a peer, over any transport.
 *
 * A subclass says how bytes become messages (`createCodec()`) and what is done
 * with them (`onMessage()`). An object has one session at a time, and can have
 * any number of them one after the other.
 *
 * Whatever goes wrong reaches two places, with its first cause: the promise of
 * the call that it hits, and `disconnect()`, which brings the object back to
 * `idle` also when it rejects.
 */
export abstract class AsyncProtocol<In, Out = In> implements AsyncDisposable {
  readonly #name: string | undefined;
  readonly #maxMessageBytes: number | undefined;
  readonly #highWaterMark: number;
  readonly #closeTimeout: number;
  readonly #logger: Logger;
  readonly #runstate = new RunstateMachine();
  #session: Session<In, Out> | undefined;
  #attempt: Attempt | undefined;
  #disconnecting: Promise<void> | undefined;

  /**
   * Makes a protocol that is `idle`.
   *
   * @throws {RangeError} A number is negative or no number.
   */
  constructor(options: AsyncProtocolOptions = {}) {
    const {
      name,
      maxMessageBytes,
      highWaterMark = 64 * 1024,
      closeTimeout = 5_000,
    } = options;
    checkNumber("maxMessageBytes", maxMessageBytes);
    checkNumber("highWaterMark", highWaterMark);
    checkNumber("closeTimeout", closeTimeout);
    this.#name = name;
    this.#maxMessageBytes = maxMessageBytes;
    this.#highWaterMark = highWaterMark;
    this.#closeTimeout = closeTimeout;
    this.#logger = getLogger([
      "parley",
      "protocol",
      name ?? this.constructor.name,
    ]);
  }

  // Public interface

  /** The name for logs and inspection. */
  get name(): string | undefined {
    return this.#name;
  }

  /** The state of the session. */
  get runstate(): Runstate {
    return this.#runstate.state;
  }

  /** The address of the current or the last session's peer. */
  get remoteAddress(): Address | undefined {
    return this.#session?.remoteAddress;
  }

  /** What the current session has done so far, or what the last one did. */
  get stats(): ProtocolStats {
    return (this.#session ?? this.#newSession()).stats;
  }

  /**
   * Aborted when the current session ends, with its first cause as the reason;
   * before the first session it is aborted.
   */
  get signal(): AbortSignal {
    return this.#session?.signal ??
      AbortSignal.abort(this.#stateError(Runstate.RUNNING));
  }

  /**
   * Settles when the current session has ended and has released everything:
   * fulfils on an orderly end, rejects with the first cause otherwise. It never
   * counts as an unhandled rejection. Before the first session it is fulfilled.
   */
  get closed(): Promise<void> {
    return this.#session?.closed ?? Promise.resolve();
  }

  /**
   * Waits for the next transition, and resolves with the state that it enters.
   *
   * @throws The signal's reason, when it is aborted.
   */
  async runstateChanged(options: WaitOptions = {}): Promise<Runstate> {
    const states = this.runstates(options);
    const { value } = await states.next();
    await states.return?.();
    return value;
  }

  /**
   * Every transition from now on, in order, none lost. The iteration goes on
   * from session to session until it is left or the signal is aborted, which
   * makes it throw the signal's reason.
   */
  runstates(options: WaitOptions = {}): AsyncIterableIterator<Runstate> {
    return this.#runstate.watch(options.signal);
  }

  /**
   * Connects, negotiates and begins to run. A connection that is handed over is
   * owned from then on. If this fails, the runstate is idle again, and nothing
   * is left open.
   *
   * @throws {StateError} The runstate is not idle; nothing has changed.
   * @throws {ConnectError} No connection or no session came about; see its cause.
   * @throws The signal's reason, when it is aborted.
   */
  connect(
    to: Transport | Connection,
    options: WaitOptions = {},
  ): Promise<void> {
    return this.#establish(
      (signal) =>
        "connect" in to ? to.connect({ signal }) : Promise.resolve(to),
      options.signal,
    );
  }

  /**
   * Accepts one peer, negotiates and begins to run. A transport is listened at
   * for this one peer; a listener stays open. If this fails, the runstate is
   * idle again, and nothing is left open.
   *
   * @throws {StateError} The runstate is not idle; nothing has changed.
   * @throws {ConnectError} No connection or no session came about; see its cause.
   * @throws The signal's reason, when it is aborted.
   */
  accept(from: Transport | Listener, options: WaitOptions = {}): Promise<void> {
    return this.#establish(
      (signal) =>
        "accept" in from ? from.accept({ signal }) : acceptOne(from, signal),
      options.signal,
    );
  }

  /**
   * Ends the session, and brings the object back to idle, also when it rejects.
   * It may be called in any state, any number of times at once.
   *
   * A running session ends in order: what is queued is sent, writing ends, and
   * everything is released, within `closeTimeout` and before the signal is
   * aborted; after that the end is forced. An attempt to connect is aborted.
   *
   * @throws {FlushTimeoutError} The end was forced with bytes unsent.
   * @throws The first cause, where the session has ended by itself.
   */
  async disconnect(options: WaitOptions = {}): Promise<void> {
    if (this.runstate === Runstate.IDLE) {
      this.#move(Runstate.DISCONNECTING);
      this.#move(Runstate.IDLE);
      return;
    }
    const { signal } = options;
    const session = this.#session;
    const force = () => session?.force(signal?.reason);
    signal?.addEventListener("abort", force, { once: true });
    if (signal?.aborted) force();
    try {
      await (this.#disconnecting ??= this.#disconnect());
    } finally {
      signal?.removeEventListener("abort", force);
    }
  }

  /** Disconnects; that the peer has ended the session before is no error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.disconnect();
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) throw error;
    }
  }

  /** Shown by `console.log()`: the class, the name and the runstate. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const name = this.#name === undefined
      ? ""
      : ` name=${JSON.stringify(this.#name)}`;
    return `<${this.constructor.name}${name} runstate=${this.runstate}>`;
  }

  // Session machinery

  #newSession(): Session<In, Out> {
    const session: Session<In, Out> = new Session({
      highWaterMark: this.#highWaterMark,
      closeTimeout: this.#closeTimeout,
      logger: this.#logger,
      onError: (cause) => this.#fail(session, cause),
    });
    return session;
  }

  #move(to: Runstate): void {
    const from = this.runstate;
    if (to === Runstate.IDLE) this.#disconnecting = undefined;
    this.#runstate.move(to);
    this.#logger.debug("Transition from {from} to {to}", { from, to });
  }

  async #establish(
    open: (signal: AbortSignal) => Promise<Connection>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.runstate !== Runstate.IDLE) throw this.#stateError(Runstate.IDLE);
    const session = this.#session = this.#newSession();
    const ended = Promise.withResolvers<void>();
    let aborted = false;
    const abort = (reason: unknown) => {
      aborted ||= !session.signal.aborted;
      this.#end(session, { cause: reason, drain: false, failed: true });
    };
    this.#attempt = { abort, ended: ended.promise };
    this.#move(Runstate.CONNECTING);
    const onAbort = () => abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    let goal = "connection";
    try {
      await session.start(open(session.signal), () => this.createCodec());
      goal = "session";
      await session.untilEnd(this.negotiate(session.signal));
      session.signal.throwIfAborted();
      this.#move(Runstate.RUNNING);
      this.#logger.info("Session is established with {peer}", {
        peer: session.remoteAddress,
      });
      this.#read(session);
    } catch (error) {
      this.#end(session, { cause: error, drain: false, failed: true });
      await session.closed.catch(() => {});
      this.#move(Runstate.IDLE);
      const cause = session.signal.reason;
      if (aborted) throw cause;
      const failure = new ConnectError(
        `Failed to establish ${goal}: ${messageOf(cause)}`,
        { cause },
      );
      this.#logFailure(failure);
      throw failure;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#attempt = undefined;
      ended.resolve();
    }
  }

  async #read(session: Session<In, Out>): Promise<void> {
    try {
      await session.read((message) =>
        this.onMessage(this.filterInbound(message))
      );
      this.#fail(session, new EndOfStreamError("Peer ended the stream"));
    } catch (error) {
      this.#fail(session, error);
    }
  }

  /** Ends the session by itself: what is queued still goes to a peer that only ended writing. */
  #fail(session: Session<In, Out>, cause: unknown): void {
    const atEnd = cause instanceof EndOfStreamError;
    if (session.signal.aborted) {
      // Once we have ended, the peer may end as it likes.
      this.#logger.debug("Later cause: {cause}", { cause });
      return;
    }
    const orderly = this.runstate === Runstate.RUNNING &&
      this.isOrderlyEnd(cause);
    if (atEnd || orderly) this.#logger.info(messageOf(cause));
    else this.#logFailure(cause);
    this.#end(session, { cause, drain: atEnd, failed: !orderly });
  }

  #end(session: Session<In, Out>, ending: Ending): void {
    if (session.signal.aborted) return;
    this.#move(Runstate.DISCONNECTING);
    session.end(ending);
  }

  async #disconnect(): Promise<void> {
    const session = this.#session;
    const reason = new DOMException("disconnect() was called", "AbortError");
    if (this.#attempt) {
      this.#attempt.abort(reason);
      return await this.#attempt.ended;
    }
    try {
      if (session && this.runstate === Runstate.RUNNING) {
        this.#end(session, { cause: reason, drain: true, failed: false });
      }
      await session?.closed;
    } finally {
      this.#move(Runstate.IDLE);
    }
  }

  #logFailure(error: unknown): void {
    this.#logger.error("Session failed: {message}", {
      message: messageOf(error),
    });
    this.#logger.debug("Session failed: {error}", { error });
  }

  #stateError(required: Runstate): StateError {
    const says: Record<Runstate, string> = {
      idle: "is not connected: call connect() or accept()",
      connecting: "is currently connecting",
      running: "is already connected and running",
      disconnecting: "is disconnecting: call disconnect() to return to idle",
    };
    const message = `${this.constructor.name} ${says[this.runstate]}`;
    return new StateError(message, this.runstate, required, {
      cause: this.#session?.signal.reason,
    });
  }

  /** The session, where it can talk; a StateError otherwise. */
  #talking(...states: Runstate[]): Session<In, Out> {
    const session = this.#session;
    if (session?.started && states.includes(this.runstate)) return session;
    throw this.#stateError(states[0] ?? Runstate.RUNNING);
  }

  // Hooks for subclasses

  /** The limit that was given for incoming messages; for `createCodec()`. */
  protected get maxMessageBytes(): number | undefined {
    return this.#maxMessageBytes;
  }

  /** Makes the codec, once a session. */
  protected abstract createCodec(): Codec<In, Out>;

  /**
   * Called once there is a connection, before messages flow: it may call
   * `receive()`, `send()` and `flush()`. When it rejects, no session comes
   * about. By default there is nothing to negotiate.
   *
   * @param _signal Aborted when the attempt ends.
   */
  protected negotiate(_signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Called with each message, in order. A promise holds the next message, and
   * the reader, until it is settled: that is backpressure. An error ends the
   * session. By default messages are dropped.
   */
  protected onMessage(_message: In): void | Promise<void> {}

  /** Called with each message before `onMessage()`; by default it changes nothing. */
  protected filterInbound(message: In): In {
    return message;
  }

  /** Called with each message before it is encoded; by default it changes nothing. */
  protected filterOutbound(message: Out): Out {
    return message;
  }

  /**
   * Asked when a running session ends by itself: whether the protocol expected
   * it, so that it is an orderly end. By default none is.
   */
  protected isOrderlyEnd(_cause: unknown): boolean {
    return false;
  }

  // Message I/O

  /**
   * Waits for the next message; only within `negotiate()`.
   *
   * @throws {StateError} There is no negotiation.
   * @throws {EndOfStreamError} The peer has ended the stream.
   */
  protected async receive(): Promise<In> {
    const session = this.#talking(Runstate.CONNECTING);
    return this.filterInbound(await session.untilEnd(session.receive()));
  }

  /**
   * Sends a message: it is encoded at once and goes out in order. The promise
   * resolves when there is room in the queue for the next one; an abort ends
   * this wait, not the message.
   *
   * @throws {StateError} There is no session.
   * @throws {Error} The message cannot be encoded; the session goes on.
   * @throws The first cause, where the session ends before there is room.
   */
  protected send(message: Out, options: WaitOptions = {}): Promise<void> {
    try {
      const session = this.#talking(Runstate.RUNNING, Runstate.CONNECTING);
      return session.send(this.filterOutbound(message), options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resolves when the transport has taken all that has been sent.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, where the session ends first.
   */
  protected async flush(options: WaitOptions = {}): Promise<void> {
    await this.#talking(Runstate.RUNNING, Runstate.CONNECTING).flush(
      options.signal,
    );
  }
}

async function acceptOne(
  transport: Transport,
  signal: AbortSignal,
): Promise<Connection> {
  await using listener = await transport.listen({ signal });
  return await listener.accept({ signal });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function checkNumber(option: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 0)) {
    throw new RangeError(`Cannot use the option: ${option} is ${value}`);
  }
}
