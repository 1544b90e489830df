import type {
  Address,
  Connection,
  Listener,
  WaitOptions,
} from "../../transports/transport.ts";
import { delay } from "../_deps.ts";
import { callHook } from "../_util/call_hook.ts";
import { loggable } from "../_util/loggable.ts";
import { loggerOf } from "../_util/logger.ts";
import { startTimer } from "../_util/start_timer.ts";
import { type AsyncProtocol, lifecycleOf } from "../async_protocol.ts";
import { EndOfStreamError } from "../errors.ts";
import { Runstate } from "../runstate.ts";
import type { ServeOptions, Server } from "../server.ts";
import { ServerBudget } from "./server_budget.ts";

const MIN_RETRY_MS = 5;
const MAX_RETRY_MS = 1_000;

type Options<P> = Omit<ServeOptions<P>, "signal">;

/** A server, from the listener that it is given to the end of its last session. */
export class ListeningServer<
  P extends AsyncProtocol<unknown, unknown>,
  A extends Address,
> implements Server<P, A> {
  readonly addr: A;
  readonly closed: Promise<void>;
  readonly #listener: Listener<A>;
  readonly #create: (connection: Connection) => P;
  readonly #options: Options<P>;
  readonly #logger = loggerOf("parley", "protocol", "serve");
  /** Every session that has not come back to idle. */
  readonly #sessions = new Set<P>();
  readonly #budget: ServerBudget;
  readonly #stopping = new AbortController();
  #changed = Promise.withResolvers<void>();
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(
    listener: Listener<A>,
    create: (connection: Connection) => P,
    options: Options<P>,
    signal: AbortSignal | undefined,
  ) {
    this.addr = listener.address;
    this.#listener = listener;
    this.#create = create;
    this.#options = options;
    const { maxQueuedBytes = 32 * 1024 * 1024 } = options;
    this.#budget = new ServerBudget(maxQueuedBytes);
    this.closed = this.#endedBy(signal, this.#run());
    this.closed.catch(() => {});
  }

  get sessions(): ReadonlySet<P> {
    const running = new Set<P>();
    for (const session of this.#sessions) {
      if (session.runstate === Runstate.RUNNING) running.add(session);
    }
    return running;
  }

  async shutdown({ signal }: WaitOptions = {}): Promise<void> {
    this.#stop();
    await this.#endedBy(signal, this.closed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #run(): Promise<void> {
    try {
      await this.#acceptAll();
      await this.#until(() => this.#sessions.size === 0);
    } finally {
      this.#stopping.abort();
      clearTimeout(this.#deadline);
    }
    await this.#listener.close();
  }

  /** Waits, and ends every session when the signal is aborted before. */
  async #endedBy(
    signal: AbortSignal | undefined,
    closed: Promise<void>,
  ): Promise<void> {
    const end = () => this.#endAll();
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    try {
      await closed;
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  /** Accepts until the listener is closed; other failures are tried again. */
  async #acceptAll(): Promise<void> {
    const { maxSessions = Infinity } = this.#options;
    const { signal } = this.#stopping;
    let retryMs = 0;
    while (!signal.aborted) {
      try {
        const connection = await this.#next(retryMs > 0);
        if (!connection) return;
        retryMs = 0;
        if (signal.aborted) connection.abort();
        else this.#serve(connection);
      } catch (error) {
        if (signal.aborted) return;
        retryMs = Math.min(2 * retryMs || MIN_RETRY_MS, MAX_RETRY_MS);
        if (this.#options.onError) this.#report(error);
        else {
          this.#logger.warn(
            "Accept failed, to be tried again while there is a listener: {error}",
            { error: loggable(error) },
          );
        }
        await delay(retryMs, { signal }).catch(() => {});
      }
      await this.#until(() =>
        signal.aborted || this.#sessions.size < maxSessions
      );
    }
  }

  /**
   * The next connection; none if the listener is closed. `accept()` tells of
   * each failure, but not whether it is the last one. An iteration, which is used
   * after a failure, ends when the listener is closed.
   */
  async #next(failed: boolean): Promise<Connection | undefined> {
    const { signal } = this.#stopping;
    if (!failed) return await this.#listener.accept({ signal });
    const { done, value } = await this.#listener[Symbol.asyncIterator]().next();
    return done ? undefined : value;
  }

  /** Serves one connection until its session is back to idle. */
  async #serve(connection: Connection): Promise<void> {
    let session: P;
    try {
      session = this.#newSession(connection);
    } catch (error) {
      connection.abort(error);
      if (this.#options.onError) return this.#report(error);
      return this.#logger.error("No session was created: {error}", {
        error: loggable(error),
      });
    }
    const lifecycle = lifecycleOf(session);
    const { host } = lifecycle;
    const { idleTimeout, onError } = this.#options;
    lifecycle.host = {
      budget: this.#budget,
      idleTimeout,
      failureLevel: onError ? "debug" : "error",
    };
    await this.#lifetime(session, connection);
    if (session.runstate !== Runstate.IDLE) {
      await session.disconnect().catch(() => {});
    }
    lifecycle.host = host;
    this.#sessions.delete(session);
    this.#notify();
  }

  /** Waits until the session has ended, and reports why if it has failed. */
  async #lifetime(session: P, connection: Connection): Promise<void> {
    try {
      await session.connect(connection);
    } catch (error) {
      // The reason itself is thrown if the server has ended the attempt.
      if (error !== session.signal.reason) this.#report(error, session);
      return;
    }
    try {
      await session.closed;
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) this.#report(error, session);
    }
  }

  #newSession(connection: Connection): P {
    const session = this.#create(connection);
    if (session.runstate !== Runstate.IDLE) {
      throw new TypeError(
        `Cannot serve with a session that is ${session.runstate}`,
      );
    }
    this.#sessions.add(session);
    return session;
  }

  /** Calls `onError()`, if there is one. */
  #report(error: unknown, session?: P): void {
    callHook(
      () => this.#options.onError?.(error, session),
      (thrown) =>
        this.#logger.error("onError() failed: {error}", {
          error: loggable(thrown),
        }),
    );
  }

  #stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#deadline = startTimer(
      () => this.#endAll(),
      this.#options.shutdownTimeout ?? 5_000,
    );
    // If that fails, the server closes it again at its end, and rejects.
    this.#listener.close().catch(() => {});
    for (const session of this.#sessions) this.#finish(session);
    this.#notify();
  }

  /** Ends a session as soon as nothing is going on in it. */
  async #finish(session: P): Promise<void> {
    await lifecycleOf(session).rest();
    this.#end(session);
  }

  #endAll(): void {
    this.#stop();
    for (const session of this.#sessions) this.#end(session);
  }

  /** Disconnects a session; `#lifetime()` sees the outcome. */
  #end(session: P): void {
    if (session.runstate === Runstate.IDLE) return;
    session.disconnect().catch(() => {});
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
