import type { Connection } from "../../transports/transport.ts";
import { RunstateMachine } from "./runstate_machine.ts";
import type { SharedBudget } from "./session_budget.ts";
import { type Ending, Session, type SessionOptions } from "./session.ts";
import { loggable } from "../_util/loggable.ts";
import { printable } from "../_util/printable.ts";
import { messageOf } from "../_util/show.ts";
import { ByteBudget } from "../byte_budget.ts";
import { ConnectError, EndOfStreamError, StateError } from "../errors.ts";
import { Runstate } from "../runstate.ts";

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

/** How an object goes from idle through one session after the other back to idle. */
export class Lifecycle<In, Out> {
  readonly #options: LifecycleOptions<In, Out>;
  readonly #runstate = new RunstateMachine();
  #session: Session<In, Out> | undefined;
  #attempt: Attempt | undefined;
  #disconnecting: Promise<void> | undefined;
  /** The budget of the server that the next sessions count for. */
  sharedBudget: SharedBudget | undefined;
  /** The level at which failures are logged: lower if somebody is told. */
  failureLevel: "error" | "debug" = "error";

  constructor(options: LifecycleOptions<In, Out>) {
    this.#options = options;
  }

  get runstate(): Runstate {
    return this.#runstate.state;
  }

  /** The current session, or the last one. */
  get session(): Session<In, Out> | undefined {
    return this.#session;
  }

  /** What the current session holds, or the last one. */
  get budget(): ByteBudget {
    return this.#session?.budget ??
      new ByteBudget(this.#options.maxQueuedBytes);
  }

  watch(signal?: AbortSignal): AsyncIterableIterator<Runstate> {
    return this.#runstate.watch(signal);
  }

  /** The session, where it can talk; a StateError otherwise. */
  get openSession(): Session<In, Out> {
    const session = this.#session;
    if (session?.open) return session;
    throw this.stateError(Runstate.RUNNING);
  }

  /** The session, where it can talk in this state; a StateError otherwise. */
  openWhile(required: Runstate): Session<In, Out> {
    if (this.runstate === required && this.#session?.open) return this.#session;
    throw this.stateError(required);
  }

  /** What a call is told that needs another runstate. */
  stateError(required: Runstate): StateError {
    const says: Record<Runstate, string> = {
      idle: "is not connected: call connect() or accept()",
      connecting: "is currently connecting",
      running: "is already connected and running",
      disconnecting: "is disconnecting: call disconnect() to return to idle",
    };
    const message = `${this.#options.label} ${says[this.runstate]}`;
    return new StateError(message, this.runstate, required, {
      cause: this.#session?.signal.reason,
    });
  }

  /** Makes a connection, and a session over it; goes back to idle where that fails. */
  async establish(
    open: (signal: AbortSignal) => Promise<Connection>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.runstate !== Runstate.IDLE) throw this.stateError(Runstate.IDLE);
    const session = this.#newSession();
    const ended = Promise.withResolvers<void>();
    let aborted = false;
    const abort = (reason: unknown) => {
      aborted ||= !session.signal.aborted;
      this.#end(session, { cause: reason, drain: false, failed: true });
    };
    const onAbort = () => abort(signal?.reason);
    // First, as it throws where the signal is none.
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#session = session;
    this.#attempt = { abort, ended: ended.promise };
    this.#move(Runstate.CONNECTING);
    if (signal?.aborted) onAbort();
    try {
      await session.start(open(session.signal));
      await session.raceWithEnd(this.#options.hooks.negotiate(session.signal));
      this.#move(Runstate.RUNNING);
      this.#options.logger.info("Session is established with {peer}", {
        peer: session.remoteAddress,
      });
      this.#read(session);
    } catch (error) {
      this.#end(session, { cause: error, drain: false, failed: true });
      await session.closed.catch(() => {});
      this.#move(Runstate.IDLE);
      const cause = session.signal.reason;
      if (aborted) throw cause;
      const goal = session.remoteAddress ? "session" : "connection";
      const failure = new ConnectError(
        `Failed to establish ${goal}: ${printable(messageOf(cause))}`,
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

  /** Brings the object back to idle, whatever it takes. */
  async disconnect(signal: AbortSignal | undefined): Promise<void> {
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
      await (this.#disconnecting ??= this.#disconnect());
    } finally {
      signal?.removeEventListener("abort", force);
    }
  }

  /** Waits until nothing is going on in a session that is to end then. */
  async rest(): Promise<void> {
    const session = this.#session;
    if (!session || this.runstate !== Runstate.RUNNING) return;
    try {
      await this.#options.hooks.onShutdown();
    } catch (error) {
      this.#fail(session, error);
    }
    await session.rest();
  }

  #newSession(): Session<In, Out> {
    const session: Session<In, Out> = new Session(
      this.#options,
      this.sharedBudget,
      (cause) => this.#fail(session, cause),
    );
    return session;
  }

  #move(to: Runstate): void {
    const from = this.runstate;
    if (to === Runstate.IDLE) this.#disconnecting = undefined;
    this.#runstate.move(to);
    this.#options.logger.debug("Transition from {from} to {to}", { from, to });
  }

  #read(session: Session<In, Out>): void {
    session.read().then(
      () => this.#fail(session, new EndOfStreamError("Peer ended the stream")),
      (error) => this.#fail(session, error),
    );
  }

  /** Ends the session by itself: what is queued still goes to a peer that only ended writing. */
  #fail(session: Session<In, Out>, cause: unknown): void {
    const atEnd = cause instanceof EndOfStreamError;
    if (session.signal.aborted) {
      if (cause !== session.signal.reason) this.#logLater(cause);
      return;
    }
    const orderly = this.runstate === Runstate.RUNNING &&
      this.#isOrderlyEnd(cause);
    if (atEnd || orderly) {
      this.#options.logger.info("{message}", {
        message: printable(messageOf(cause)),
      });
    } else this.#logFailure(cause);
    this.#end(session, { cause, drain: atEnd, failed: !orderly });
  }

  #isOrderlyEnd(cause: unknown): boolean {
    try {
      return this.#options.hooks.isOrderlyEnd(cause);
    } catch (error) {
      this.#logLater(error);
      return false;
    }
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

  #logLater(cause: unknown): void {
    // Once a session has ended, its stream ends too; and once we have ended it,
    // the peer may end as it likes.
    if (cause instanceof EndOfStreamError) return;
    const level = this.#disconnecting ? "debug" : "warn";
    this.#options.logger[level]("Later cause: {cause}", {
      cause: loggable(cause),
    });
  }

  #logFailure(error: unknown): void {
    this.#options.logger[this.failureLevel]("Session failed: {error}", {
      error: loggable(error),
    });
  }
}
