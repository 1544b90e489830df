import type {
  Address,
  Connection,
  Listener,
  StreamPair,
  Transport,
  WaitOptions,
} from "../transports/transport.ts";
import {
  fromStreams,
  type FromStreamsOptions,
} from "../transports/from_streams.ts";
import { acceptOne } from "./_session/accept_one.ts";
import type { Hooks } from "./_session/hooks.ts";
import { isRetriable } from "./_reconnect/is_retriable.ts";
import { Lifecycle } from "./_session/lifecycle.ts";
import { SessionLog } from "./_session/session_log.ts";
import { sessionLimits } from "./_session/session_limits.ts";
import { rejected } from "./_util/abortable.ts";
import { loggerOf } from "./_util/logger.ts";
import { printable } from "./_util/printable.ts";
import { told, wasTold } from "./_util/told.ts";
import { checkMember } from "./_util/validate.ts";
import type {
  AsyncProtocolOptions,
  DisconnectOptions,
} from "./async_protocol_options.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { Codec } from "./codecs/codec.ts";
import { EndOfStreamError, StateError } from "./errors.ts";
import type { OpenCallOptions, PendingCall } from "./pending_call.ts";
import type { PendingCalls } from "./pending_calls.ts";
import { Runstate } from "./runstate.ts";
import { noStats, type ProtocolStats } from "./stats.ts";

/** The lifecycle of a protocol, for a server or a reconnection. Internal. */
export let lifecycleOf: <In, Out>(
  protocol: AsyncProtocol<In, Out>,
) => Lifecycle<In, Out>;

/**
 * A session that exchanges messages with a peer, over any transport.
 *
 * A subclass says how bytes become messages (`createCodec()`), and handles them
 * (`onMessage()`). An object has one session at a time, and any number of
 * sessions one after the other.
 *
 * A failure reaches two places, with its first cause: the promise of the call
 * that it hits, and `disconnect()`, which brings the object back to `idle` also
 * when it rejects.
 *
 * It logs under `["parley", "protocol", name]`, with LogTape: sessions at info,
 * failures at error, transitions and messages at debug.
 *
 * @example A protocol that answers lines
 * ```ts
 * import { AsyncProtocol, type Codec, lines, Peer } from "@parley/parley/protocol";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends AsyncProtocol<string> {
 *   protected override createCodec(): Codec<string> {
 *     return lines();
 *   }
 *   protected override onMessage(line: string): Promise<void> {
 *     return this.send(line.toUpperCase());
 *   }
 * }
 *
 * const [near, far] = memoryPair();
 * await using echo = new Echo();
 * await using peer = new Peer({ codec: lines });
 * await Promise.all([echo.connect(far), peer.connect(near)]);
 * await peer.send("hello");
 * for await (const line of peer) {
 *   assertEquals(line, "HELLO");
 *   break;
 * }
 * ```
 */
export abstract class AsyncProtocol<In, Out = In> implements AsyncDisposable {
  static {
    lifecycleOf = (protocol) => protocol.#lifecycle;
  }
  readonly #name: string | undefined;
  readonly #maxMessageBytes: number | undefined;
  readonly #lifecycle: Lifecycle<In, Out>;

  /**
   * Makes a protocol that is `idle`.
   *
   * @throws {RangeError} A number is out of range.
   * @throws {TypeError} An option has the wrong type.
   */
  constructor(options: AsyncProtocolOptions = {}) {
    const limits = sessionLimits(options);
    this.#name = options.name;
    this.#maxMessageBytes = options.maxMessageBytes;
    const label = this.constructor.name;
    const logger = loggerOf("parley", "protocol", options.name ?? label);
    // The hooks are protected: they are for subclasses, and for the session.
    const hooks = this as unknown as Hooks<In, Out>;
    const log = new SessionLog(logger, hooks);
    this.#lifecycle = new Lifecycle({ ...limits, label, log, hooks });
  }

  // Public interface

  /** The name for logs and inspection. */
  get name(): string | undefined {
    return this.#name;
  }

  /** The state of the session. */
  get runstate(): Runstate {
    return this.#lifecycle.runstate;
  }

  /** The address of the current or the last session's peer. */
  get remoteAddress(): Address | undefined {
    return this.#lifecycle.session?.remoteAddress;
  }

  /** The counters of the current session, or of the last one. */
  get stats(): ProtocolStats {
    return this.#lifecycle.session?.stats ?? noStats;
  }

  /**
   * Aborted when the current session ends, with its first cause as the reason.
   * Before the first session it is aborted.
   */
  get signal(): AbortSignal {
    return this.#lifecycle.session?.signal ??
      AbortSignal.abort(this.#lifecycle.stateError(Runstate.RUNNING));
  }

  /**
   * Settles when the current session has ended and has released everything:
   * fulfils on an orderly end, rejects with the first cause otherwise. It never
   * counts as an unhandled rejection. Before the first session it is fulfilled.
   */
  get closed(): Promise<void> {
    return this.#lifecycle.session?.closed ?? Promise.resolve();
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
    return this.#lifecycle.watch(options.signal);
  }

  /**
   * Connects, negotiates and begins to run. The session owns a connection, or a
   * pair of streams (with options of `fromStreams()`), from then on. If this
   * fails, the runstate is idle again, and nothing is left open.
   *
   * @throws {TypeError} `to` is something else; nothing has changed.
   * @throws {StateError} The runstate is not idle; nothing has changed.
   * @throws {ConnectError} No connection or no session came about; see its cause.
   * @throws The signal's reason, when it is aborted.
   */
  async connect(
    to: Transport | Connection | StreamPair & FromStreamsOptions,
    options: WaitOptions = {},
  ): Promise<void> {
    const wanted = "a Transport or a Connection, or a pair of streams";
    checkMember("to", to, ["connect", "readable"], wanted);
    // Other pairs of streams have some of a Connection's members: a Deno.Conn has
    // a write() that may take a part alone, a socket of Cloudflare has `closed`.
    await this.#lifecycle.establish(
      (signal) =>
        "connect" in to ? to.connect({ signal }) : Promise.resolve(
          "read" in to && "closed" in to ? to : fromStreams(to, to),
        ),
      options.signal,
    );
  }

  /**
   * Accepts one peer, negotiates and begins to run. With a transport, it listens
   * for this one peer; a listener stays open. If this fails, the runstate is idle
   * again, and nothing is left open.
   *
   * @throws {TypeError} `from` is something else; nothing has changed.
   * @throws {StateError} The runstate is not idle; nothing has changed.
   * @throws {ConnectError} No connection or no session came about; see its cause.
   * @throws The signal's reason, when it is aborted.
   */
  async accept(
    from: Transport | Listener,
    options: WaitOptions = {},
  ): Promise<void> {
    const wanted = "a Transport or a Listener";
    checkMember("from", from, ["accept", "listen"], wanted);
    await this.#lifecycle.establish(
      (signal) =>
        "accept" in from ? from.accept({ signal }) : acceptOne(from, signal),
      options.signal,
    );
  }

  /**
   * Ends the session, and brings the object back to idle, also when it rejects.
   * It may be called in any state, any number of times at once.
   *
   * A running session ends in order: the queue is sent, writing ends, and
   * everything is released. If that takes longer than `closeTimeout`, or the
   * signal is aborted, the end is forced. An attempt to connect is aborted.
   *
   * @throws {FlushTimeoutError} The end was forced with bytes unsent.
   * @throws The first cause, if the session has ended by itself.
   */
  async disconnect(options: DisconnectOptions = {}): Promise<void> {
    const { signal, reason } = options;
    const disconnected = this.#lifecycle.disconnect(signal, reason);
    this.#lifecycle.supervisor?.onUserDisconnect(reason);
    await disconnected;
  }

  /**
   * Disconnects, and throws why the session has failed, unless a call, a wait for
   * a message or `flush()` has told it. That the peer has ended the session is not
   * an error.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.disconnect();
    } catch (error) {
      const isEnd = error instanceof EndOfStreamError;
      if (!isEnd && !wasTold(error)) throw error;
    }
  }

  /** Shown by `console.log()`: the class, the name and the runstate. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const name = this.#name === undefined
      ? ""
      : ` name=${printable(JSON.stringify(this.#name))}`;
    return `<${this.constructor.name}${name} runstate=${this.runstate}>`;
  }

  // Hooks for subclasses

  /** The limit that was given for incoming messages; for `createCodec()`. */
  protected get maxMessageBytes(): number | undefined {
    return this.#maxMessageBytes;
  }

  /**
   * The bytes that the session holds for its peer; `maxQueuedBytes` is the limit.
   * The session counts its queue of messages to send; a protocol counts the
   * messages that it keeps. While the budget is exceeded, nothing is read.
   */
  protected get budget(): ByteBudget {
    return this.#lifecycle.budget;
  }

  /** Makes the codec of a session. */
  protected abstract createCodec(): Codec<In, Out>;

  /**
   * Called when there is a connection, before the session runs: it may call
   * `receive()`, `send()`, `flush()` and `upgrade()`. If it rejects, connecting
   * fails. It may take `handshakeTimeout`. By default it does nothing.
   *
   * @param _signal Aborted when the attempt ends.
   */
  protected negotiate(_signal: AbortSignal): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Called when a session begins to run, after `negotiate()`. The first message
   * waits for its promise. An error ends the session. By default it does nothing.
   */
  protected onSessionStart(): void | Promise<void> {}

  /**
   * Called when a running session ends, with the cause. `signal` is aborted
   * already, and the connection is not released yet. An error is logged. By
   * default it does nothing.
   */
  protected onSessionEnd(_cause: unknown): void {}

  /**
   * Called after `onSessionEnd()` if no session follows: at once, or, if
   * `reconnecting()` looks after the protocol, when it has given up or was
   * stopped. Whatever outlives sessions ends here, such as subscriptions. An
   * error is logged. By default it does nothing.
   */
  protected onLastSessionEnd(_cause: unknown): void {}

  /**
   * Asked by `reconnecting()`, unless its policy decides, whether an error is
   * worth another attempt: the first cause of a failed session, or the error of a
   * failed attempt. Of a `ConnectError` that has a cause, it is the cause. By
   * default a missing permission and a closed listener are not; a protocol adds a
   * refused password, for instance.
   */
  protected isRetriable(error: unknown): boolean {
    return isRetriable(error);
  }

  /**
   * Called when no byte was received for `keepAliveInterval`, or none was sent if
   * `keepAliveDirection` is `"either"`: the place to send a ping. It is not called
   * again before its promise is settled, and not after `end()`. An error ends the
   * session. What it sends after an `await` counts for `idleTimeout`: it sends the
   * ping first. By default it does nothing.
   */
  protected keepAlive(): void | Promise<void> {}

  /**
   * Called with each message, in order. By default messages are dropped. An
   * error ends the session.
   *
   * A returned promise holds the next message, and the reader, until it settles.
   * This is the one mechanism of backpressure: a protocol that answers returns
   * the promise of `send()`, so that a peer that does not read its replies is
   * not read either. If both sides answer, it does not: each would wait for the
   * other one to read. A protocol that keeps messages counts their bytes in
   * `budget`.
   *
   * @param _bytes The size of the message on the wire.
   */
  protected onMessage(_message: In, _bytes: number): void | Promise<void> {}

  /**
   * Called when the peer has ended the stream, after its last message: writing
   * goes on, and the session ends when a promise is settled. By default it ends
   * at once.
   */
  protected onEnd(): void | Promise<void> {}

  /**
   * Called when the server of a running session shuts down: the session ends
   * when a promise is settled and nothing else is going on. By default it
   * waits for nothing.
   */
  protected onShutdown(): void | Promise<void> {}

  /**
   * Called when `disconnect()` ends a running session, with its reason if it was
   * given one. It may `send()`: the place for a protocol to say goodbye. An error
   * is logged. By default it does nothing.
   */
  protected onDisconnect(_reason: unknown): void {}

  /** Called with each message before `onMessage()`; by default it changes nothing. */
  protected filterInbound(message: In): In {
    return message;
  }

  /** Called with each message before it is encoded; by default it changes nothing. */
  protected filterOutbound(message: Out): Out {
    return message;
  }

  /**
   * What is logged of a message at debug; by default the message itself. A
   * protocol whose messages carry secrets leaves them out here, in a copy.
   */
  protected describe(message: In | Out): unknown {
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
   * For calls that need a session: nothing is done without one.
   *
   * @throws {StateError} The runstate is not running.
   */
  protected assertRunning(): void {
    this.#lifecycle.openWhile(Runstate.RUNNING);
  }

  /**
   * Waits for the next message; only within `negotiate()`. An aborted wait takes
   * no message.
   *
   * @throws {StateError} There is no negotiation.
   * @throws {EndOfStreamError} The peer has ended the stream.
   * @throws The signal's reason, when it is aborted.
   */
  protected async receive(options: WaitOptions = {}): Promise<In> {
    const session = this.#lifecycle.openWhile(Runstate.CONNECTING);
    return this.filterInbound(await session.receive(options.signal));
  }

  /**
   * Goes on over a connection that is made of the current one, as STARTTLS does:
   * `startTls` or `acceptTls`, for instance. Only within `negotiate()`. What was
   * sent is sent before; the new connection is owned from then on.
   *
   * @throws {ProtocolError} The peer has sent more than was received: it would
   * be taken for what comes over the new connection.
   * @throws {StateError} There is no negotiation.
   * @throws The error of `change()`; the connection is not usable any more.
   */
  protected async upgrade(
    change: (connection: Connection) => Promise<Connection>,
  ): Promise<void> {
    await this.#lifecycle.openWhile(Runstate.CONNECTING).upgrade(change);
  }

  /**
   * Goes on with another codec, from the next message that is decoded and the
   * next that is sent on. Bytes that have been read already are for the new
   * codec; messages that have been sent already go out as they are. The next
   * session begins with `createCodec()` again.
   *
   * @throws {StateError} There is no session.
   * @throws {Error} The codec has consumed a part of a message that is incomplete.
   */
  protected useCodec(codec: Codec<In, Out>): void {
    this.#lifecycle.openSession.useCodec(codec);
  }

  /**
   * Sends a message: it is encoded at once and goes out in order. The promise
   * resolves when there is room in the queue for the next one; an abort ends
   * this wait, not the message. It may be left alone: its rejection is never
   * unhandled.
   *
   * @throws {StateError} There is no session.
   * @throws {Error} The message cannot be encoded; the session goes on.
   * @throws The first cause, if the session ends before there is room.
   */
  protected send(message: Out, options?: WaitOptions): Promise<void> {
    try {
      const session = this.#lifecycle.openSession;
      return session.send(this.filterOutbound(message), options?.signal);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Opens a call, sends its request, and returns the promise of the reply: what
   * `PendingCalls.open()` and `PendingCalls.track()` do, in one statement. It
   * rejects if anything of this fails, and then no call is left. When the session
   * has ended, and after `onSessionEnd()`, all of `calls` reject.
   *
   * @param calls The pending calls of this protocol, which the session keeps.
   * @param request Makes the request of the call, which has its id.
   * @throws {StateError} The runstate is not running.
   * @throws {Error} The request cannot be encoded; the session goes on.
   * @throws {CallError} See `PendingCalls.open()`, also for other errors.
   */
  protected sendCall<Reply, Id = number>(
    calls: PendingCalls<Reply, Id>,
    options: OpenCallOptions<Id>,
    request: (call: PendingCall<Reply, Id>) => Out,
  ): Promise<Reply> {
    let call: PendingCall<Reply, Id> | undefined;
    try {
      this.assertRunning();
      this.#lifecycle.calls.add(calls);
      call = calls.open(options);
      return calls.track(call, this.send(request(call)));
    } catch (error) {
      if (call) calls.reject(call.id, error);
      return rejected(error);
    }
  }

  /**
   * Resolves when the transport has taken all that has been sent.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, if the session ends first.
   */
  protected flush(options: WaitOptions = {}): Promise<void> {
    try {
      const flushed = this.#lifecycle.openSession.flush(options.signal);
      flushed.catch(told);
      return flushed;
    } catch (error) {
      if (error instanceof StateError) told(error.cause);
      return rejected(error);
    }
  }

  /**
   * Ends writing after what was sent, and goes on reading. Resolves when the
   * transport has taken it. Later sends reject with a `StateError`.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, if the session ends first.
   * @throws The signal's reason, when it is aborted; writing ends all the same.
   */
  protected end(options: WaitOptions = {}): Promise<void> {
    try {
      const { runstate } = this;
      const session = this.#lifecycle.openSession;
      const refusal = new StateError(
        `${this.constructor.name} cannot send: end() has ended writing`,
        runstate,
        runstate,
      );
      return session.endWriting(refusal, options.signal);
    } catch (error) {
      return rejected(error);
    }
  }
}
