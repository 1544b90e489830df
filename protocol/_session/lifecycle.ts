import type { Connection } from "../../transports/transport.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { callHook } from "../_util/call_hook.ts";
import { printable } from "../_util/printable.ts";
import { messageOf } from "../_util/show.ts";
import { startTimer } from "../_util/start_timer.ts";
import { told } from "../_util/told.ts";
import { ByteBudget } from "../byte_budget.ts";
import { ConnectError, StateError } from "../errors.ts";
import { Runstate } from "../runstate.ts";
import type { Hooks } from "./hooks.ts";
import { RunstateMachine } from "./runstate_machine.ts";
import { Session } from "./session.ts";
import type { SessionHost, SessionOptions } from "./session_options.ts";

const NO_HOST: SessionHost = { failureLevel: "error" };

/** A supervisor logs the failures itself: as warnings, if a session follows. */
const SUPERVISED: SessionHost = { failureLevel: "debug" };

/** Makes another session after one that has ended by itself. */
export interface LifecycleSupervisor {
  /** Told of each call of the protocol's `disconnect()`. */
  onUserDisconnect(reason: unknown): void;
}

/** What the lifecycle needs to know of its protocol. */
export interface LifecycleOptions<In, Out> extends SessionOptions<In, Out> {
  /** The name of the class, for messages. */
  label: string;
}

/** A connect() or accept() under way. */
interface Attempt {
  abort(reason: unknown): void;
  /** Fulfils when the attempt has ended, well or not. */
  ended: Promise<void>;
}

/** Takes an object from idle through a session back to idle, any number of times. */
export class Lifecycle<In, Out> {
  /** The owner of the next sessions. */
  host: SessionHost = NO_HOST;
  /** If there is one, another session may follow one that has ended by itself. */
  supervisor: LifecycleSupervisor | undefined;
  /** The pending calls that end with the current session. */
  readonly calls = new Set<{ end(cause: unknown): void }>();
  readonly #options: LifecycleOptions<In, Out>;
  readonly #runstate = new RunstateMachine();
  #session: Session<In, Out> | undefined;
  #attempt: Attempt | undefined;
  #disconnecting: Promise<void> | undefined;
  #endIsUntold = false;

  constructor(options: LifecycleOptions<In, Out>) {
    this.#options = options;
  }

  get runstate(): Runstate {
    return this.#runstate.state;
  }

  get hooks(): Hooks<In, Out> {
    return this.#options.hooks;
  }

  /** The current session, or the last one. */
  get session(): Session<In, Out> | undefined {
    return this.#session;
  }

  /** Whether there is a session whose end its protocol has not been told. */
  get endIsUntold(): boolean {
    return this.#endIsUntold;
  }

  /** The budget of the current session, or of the last one. */
  get budget(): ByteBudget {
    return this.#session?.budget ??
      new ByteBudget(this.#options.maxQueuedBytes);
  }

  watch(signal?: AbortSignal): AsyncIterableIterator<Runstate> {
    return this.#runstate.watch(signal);
  }

  /** The session, if it can talk; a StateError otherwise. */
  get openSession(): Session<In, Out> {
    const session = this.#session;
    if (session?.open) return session;
    throw this.stateError(Runstate.RUNNING);
  }

  /** The session, if it can talk in this state; a StateError otherwise. */
  openWhile(required: Runstate): Session<In, Out> {
    if (this.runstate === required && this.#session?.open) return this.#session;
    const error = this.stateError(required);
    told(error.cause);
    throw error;
  }

  /** The error of a call that needs another runstate. */
  stateError(required: Runstate): StateError {
    const between = this.supervisor &&
      "is not connected: wait for connected() of its reconnection";
    const says: Record<Runstate, string> = {
      idle: between ?? "is not connected: call connect() or accept()",
      connecting: "is currently connecting",
      running: "is already connected and running",
      disconnecting: between ??
        "is disconnecting: call disconnect() to return to idle",
    };
    const message = `${this.#options.label} ${says[this.runstate]}`;
    return new StateError(message, this.runstate, required, {
      cause: this.#session?.signal.reason,
    });
  }

  /** Makes a connection, and a session over it; goes back to idle if that fails. */
  async establish(
    open: (signal: AbortSignal) => Promise<Connection>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.runstate !== Runstate.IDLE) throw this.stateError(Runstate.IDLE);
    const session: Session<In, Out> = new Session(
      this.#options,
      this.#sessionHost,
      {
        onEnding: () => this.#move(Runstate.DISCONNECTING),
        onEnded: (cause) => {
          for (const calls of this.calls) calls.end(cause);
          this.calls.clear();
          this.#endIsUntold = false;
          if (this.supervisor) return;
          return this.hooks.onLastSessionEnd(cause);
        },
      },
    );
    const ended = handled();
    let aborted = false;
    const abort = (reason: unknown) => {
      aborted ||= !session.signal.aborted;
      session.end({ cause: reason, drain: false, failed: true });
    };
    const onAbort = () => this.#attempt?.abort(signal?.reason);
    // First, as it throws if the signal is not an AbortSignal.
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#session = session;
    this.#attempt = { abort, ended: ended.promise };
    this.#move(Runstate.CONNECTING);
    if (signal?.aborted) onAbort();
    try {
      await session.start(open(session.signal));
      await this.#negotiate(session);
      this.#move(Runstate.RUNNING);
      this.#options.log.established(session.remoteAddress);
      this.#attempt = undefined;
      this.#endIsUntold = true;
      session.run();
    } catch (error) {
      session.end({ cause: error, drain: false, failed: true });
      await session.closed.catch(() => {});
      this.#move(Runstate.IDLE);
      throw aborted ? session.signal.reason : this.#connectError(session);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#attempt = undefined;
      ended.resolve();
    }
  }

  /** Ends what is going on, and brings the object back to idle. */
  async disconnect(
    signal: AbortSignal | undefined,
    reason: unknown,
  ): Promise<void> {
    if (this.runstate === Runstate.IDLE) {
      this.#move(Runstate.DISCONNECTING);
      this.#move(Runstate.IDLE);
      return;
    }
    const session = this.#session;
    const force = () => session?.force(signal?.reason);
    signal?.addEventListener("abort", force, { once: true });
    if (signal?.aborted) force();
    try {
      await (this.#disconnecting ?? this.#disconnectOnce(reason));
    } finally {
      signal?.removeEventListener("abort", force);
    }
  }

  /** Waits until nothing is going on in the session: it is to end then. */
  async rest(): Promise<void> {
    const session = this.#session;
    if (!session || this.runstate !== Runstate.RUNNING) return;
    try {
      await this.#options.hooks.onShutdown();
    } catch (error) {
      session.fail(error);
    }
    await session.rest();
  }

  get #sessionHost(): SessionHost {
    return this.supervisor ? SUPERVISED : this.host;
  }

  #move(to: Runstate): void {
    const from = this.runstate;
    if (to === Runstate.IDLE) this.#disconnecting = undefined;
    this.#runstate.move(to);
    this.#options.log.transition(from, to);
  }

  async #negotiate(session: Session<In, Out>): Promise<void> {
    const { hooks, handshakeTimeout } = this.#options;
    const { signal } = session;
    const late =
      `negotiate() has not settled within a handshakeTimeout of ${handshakeTimeout} ms`;
    const timer = startTimer(
      () => session.fail(new DOMException(late, "TimeoutError")),
      handshakeTimeout,
    );
    try {
      await abortable(hooks.negotiate(signal), signal);
      signal.throwIfAborted();
    } finally {
      clearTimeout(timer);
    }
  }

  #connectError(session: Session<In, Out>): ConnectError {
    const cause = session.signal.reason;
    const goal = session.remoteAddress ? "session" : "connection";
    const error = new ConnectError(
      `Failed to establish ${goal}: ${printable(messageOf(cause))}`,
      { cause },
    );
    this.#options.log.failure(error, this.#sessionHost.failureLevel);
    return error;
  }

  #sayGoodbye(reason: unknown): void {
    const { hooks, log } = this.#options;
    callHook(
      () => hooks.onDisconnect(reason),
      (error) => log.laterCause(error, "warn"),
    );
  }

  #disconnectOnce(reason: unknown): Promise<void> {
    // First, as a listener of the session's signal may call disconnect(), too.
    const { promise, resolve } = handled();
    this.#disconnecting = promise;
    resolve(this.#disconnect(reason));
    return promise;
  }

  async #disconnect(reason: unknown): Promise<void> {
    const session = this.#session;
    const cause = reason ??
      new DOMException("disconnect() was called", "AbortError");
    if (this.#attempt) {
      this.#attempt.abort(cause);
      return await this.#attempt.ended;
    }
    try {
      if (this.runstate === Runstate.RUNNING) this.#sayGoodbye(reason);
      // A goodbye for which there is no room ends the session.
      if (session && this.runstate === Runstate.RUNNING) {
        const failed = reason !== undefined;
        await session.end({ cause, drain: true, failed });
      } else await session?.closed;
    } finally {
      this.#move(Runstate.IDLE);
    }
  }
}
