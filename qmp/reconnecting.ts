import { MAX_TIMEOUT } from "../protocol/_util/validate.ts";
import { ConnectError, Runstate, StateError } from "../protocol/mod.ts";
import type {
  Listener,
  Transport,
  WaitOptions,
} from "../transports/transport.ts";
import { delay, getLogger } from "./_deps.ts";
import { Backoff } from "./_client/backoff.ts";
import { EventHub } from "./_client/event_hub.ts";
import { abortable } from "./_client/wait.ts";
import type { QMPClient } from "./client.ts";
import type { ListenOptions, QMPEventListener } from "./event_listener.ts";
import type { QMPEvent } from "./messages.ts";
import type { AnySchema, EventName, EventOf, QMPSchema } from "./schema.ts";

/** When to try again. */
export interface ReconnectPolicy {
  /**
   * The upper bound of the first pause, in milliseconds; 0 is no pause at all.
   * The bound doubles with each pause, until a session has lived for 10 seconds.
   * Each pause is random below its bound, so that clients that have lost one
   * server do not come back at the same moment.
   *
   * @default {250}
   */
  minTimeout?: number;
  /**
   * The upper bound of every pause, in milliseconds.
   *
   * @default {30000}
   */
  maxTimeout?: number;
  /**
   * How many attempts in a row may fail before it is given up.
   *
   * @default {Infinity}
   */
  maxAttempts?: number;
}

/** A client that is connected again when it loses its session. */
export interface Reconnection<S extends QMPSchema = AnySchema>
  extends AsyncDisposable {
  /**
   * Settles when no session will follow: fulfils when the last one has ended in
   * order, by `quit()` or `disconnect()`, rejects when an attempt has failed for
   * good. It never counts as an unhandled rejection.
   */
  readonly finished: Promise<void>;
  /**
   * Resolves when the client is connected; at once where it is.
   *
   * @throws {ConnectError} The last attempt that was allowed has failed.
   * @throws {StateError} No session will follow.
   * @throws The signal's reason, when it is aborted.
   */
  connected(options?: WaitOptions): Promise<void>;
  /**
   * Makes a listener like the client's, but one that hears the events of each
   * session: it ends when no session will follow.
   *
   * @throws {RangeError} `limit` is no positive integer.
   */
  listen<N extends EventName<S> = EventName<S>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<S, N>>,
  ): QMPEventListener<EventOf<S, N>>;
  /** Gives up connecting, and disconnects the client. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Connects a client, and again whenever its session fails or its server ends it,
 * with pauses that grow. A client that is running already is looked after from
 * here on. With a listener, the server is to dial again; the listener stays
 * open, and its owner's.
 *
 * Each session is a new one: it is negotiated anew, and commands that were
 * pending have been rejected. A session that ends in order is the last.
 *
 * @throws {StateError} The client is neither idle nor running.
 * @throws {RangeError} A number of the policy is out of range.
 *
 * @example A client that outlives its server's sessions
 * ```ts
 * import { QMPClient, QMPServer, reconnecting } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: { stop: (_, { server }) => server.emit("STOP") },
 * });
 * const transport = memory(); // or unix({ path: "/run/vm.sock" })
 * server.serve(await transport.listen());
 *
 * const client = new QMPClient();
 * await using connection = reconnecting(client, transport);
 * const stops = connection.listen("STOP");
 * await connection.connected();
 *
 * const lost = client.runstateChanged();
 * for (const session of server.sessions) await session.disconnect();
 * await lost;
 * await connection.connected();
 * await client.execute("stop");
 * assertEquals((await stops.next()).event, "STOP");
 * ```
 */
export function reconnecting<S extends QMPSchema = AnySchema>(
  client: QMPClient<S>,
  to: Transport | Listener,
  policy: ReconnectPolicy = {},
): Reconnection<S> {
  const { runstate } = client;
  if (runstate !== Runstate.IDLE && runstate !== Runstate.RUNNING) {
    const message = `Cannot reconnect a client that is ${runstate}`;
    throw new StateError(message, runstate, Runstate.IDLE);
  }
  return new Supervisor(client, to, checkPolicy(policy));
}

class Supervisor<S extends QMPSchema> implements Reconnection<S> {
  readonly finished: Promise<void>;
  readonly #client: QMPClient<S>;
  readonly #to: Transport | Listener;
  readonly #policy: Required<ReconnectPolicy>;
  readonly #backoff: Backoff;
  readonly #hub = new EventHub();
  readonly #stop = new AbortController();
  /** Settled when the client is connected, or will not be any more. */
  #up = preHandled();

  constructor(
    client: QMPClient<S>,
    to: Transport | Listener,
    policy: Required<ReconnectPolicy>,
  ) {
    this.#client = client;
    this.#to = to;
    this.#policy = policy;
    this.#backoff = new Backoff({
      initialDelay: policy.minTimeout,
      maxDelay: policy.maxTimeout,
    });
    this.finished = this.#run();
    this.finished.catch(() => {});
  }

  connected(options: WaitOptions = {}): Promise<void> {
    return abortable(this.#up.promise, options.signal);
  }

  listen<N extends EventName<S> = EventName<S>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<S, N>>,
  ): QMPEventListener<EventOf<S, N>> {
    return this.#hub.listen(names, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#client[Symbol.asyncDispose]();
    await this.finished.catch(() => {}); // Who is interested has been told.
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let cause: unknown = new StateError(
      `${this.#client.constructor.name} is not connected again: its session has ended in order`,
      Runstate.IDLE,
      Runstate.RUNNING,
    );
    try {
      while (await this.#session());
    } catch (error) {
      if (!signal.aborted) throw cause = error;
    } finally {
      this.#up.reject(cause);
      this.#hub.end(cause);
    }
  }

  /** Has a session from its beginning to its end; false where it is the last. */
  async #session(): Promise<boolean> {
    const client = this.#client;
    const logger = getLogger(["parley", "qmp", client.name ?? "reconnecting"]);
    using _tap = this.#tap();
    if (client.runstate !== Runstate.RUNNING) await this.#connect();
    this.#announce();
    try {
      using _lifetime = this.#backoff.watchSession();
      await client.closed;
      return false;
    } catch (cause) {
      logger.warn("Session is lost, and is to be made again: {cause}", {
        cause,
      });
    }
    await client.disconnect().catch(() => {}); // The cause has been told.
    await this.#pause();
    return true;
  }

  /** Lets go who waits for a session; who asks once it has ended waits anew. */
  #announce(): void {
    const { signal } = this.#client;
    this.#up.resolve();
    const renew = () => this.#up = preHandled();
    if (signal.aborted) renew();
    else signal.addEventListener("abort", renew, { once: true });
  }

  /** Hands events on the moment they come, also those before the negotiation. */
  #tap(): Disposable {
    return this.#client.listen(undefined, {
      filter: (event, bytes) => {
        this.#hub.dispatch(event as QMPEvent, bytes);
        return false;
      },
    });
  }

  async #connect(): Promise<void> {
    const to = this.#to;
    const { signal } = this.#stop;
    for (let attempt = 1;; attempt++) {
      try {
        return "accept" in to
          ? await this.#client.accept(to, { signal })
          : await this.#client.connect(to, { signal });
      } catch (error) {
        if (!isRetriable(error) || attempt >= this.#policy.maxAttempts) {
          throw error;
        }
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    return delay(this.#backoff.next(), { signal: this.#stop.signal });
  }
}

/** A promise that may be rejected with nobody there. */
function preHandled(): PromiseWithResolvers<void> {
  const resolvers = Promise.withResolvers<void>();
  resolvers.promise.catch(() => {});
  return resolvers;
}

/** What does not come with time: a permission, and a listener that is closed. */
const FOR_GOOD = ["NotCapable", "BadResource"];

function isRetriable(error: unknown): boolean {
  return error instanceof ConnectError &&
    !(error.cause instanceof Error && FOR_GOOD.includes(error.cause.name));
}

function checkPolicy(policy: ReconnectPolicy): Required<ReconnectPolicy> {
  const { minTimeout = 250, maxTimeout = 30_000, maxAttempts = Infinity } =
    policy;
  const wrong = Object.entries({
    minTimeout: minTimeout >= 0 && minTimeout <= maxTimeout,
    maxTimeout: maxTimeout > 0 && maxTimeout <= MAX_TIMEOUT,
    maxAttempts: maxAttempts >= 1 &&
      (Number.isInteger(maxAttempts) || maxAttempts === Infinity),
  }).find(([, right]) => !right);
  if (wrong) {
    const [name] = wrong as [keyof ReconnectPolicy, boolean];
    throw new RangeError(`Cannot use the option: ${name} is ${policy[name]}`);
  }
  return { minTimeout, maxTimeout, maxAttempts };
}
