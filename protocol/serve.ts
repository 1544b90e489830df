import type {
  Address,
  Listener,
  WaitOptions,
} from "../transports/transport.ts";
import { ListeningServer } from "./_server/listening_server.ts";
import { show } from "./_util/show.ts";
import { checkMember, checkNumber, MAX_TIMEOUT } from "./_util/validate.ts";
import type { AsyncProtocol } from "./async_protocol.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /**
   * Ends the server at once when it is aborted: nobody is accepted any more,
   * and every session is disconnected, each within its `closeTimeout`.
   *
   * @default {undefined}
   */
  signal?: AbortSignal;
  /**
   * How many sessions there are at most, those in negotiation included. While
   * there are so many, nobody is accepted: the next ones wait in the queue of
   * the listener.
   *
   * @default {Infinity}
   */
  maxSessions?: number;
  /**
   * After how many milliseconds in which no byte has gone either way a session
   * is disconnected, also in its negotiation. It takes a quarter longer at most.
   *
   * @default {undefined}
   */
  idleTimeout?: number;
  /**
   * For how many milliseconds `shutdown()` lets the sessions go on before it
   * disconnects them.
   *
   * @default {5000}
   */
  shutdownTimeout?: number;
  /**
   * How many bytes all sessions together hold for their peers: what is queued,
   * what is kept, and what is received of a message that is not complete. While
   * they hold more, each session that holds more than an equal share of the
   * limit reads nothing. If they still hold more after a second, the largest
   * session ends with a `QueueLimitError`.
   *
   * @default {33554432}
   */
  maxQueuedBytes?: number;
}

/** The sessions of one listener; disposing of it is `shutdown()`. */
export interface Server<P> extends AsyncDisposable {
  /** Where the server listens. */
  readonly addr: Address;
  /** The sessions that are running at this moment. */
  readonly sessions: ReadonlySet<P>;
  /**
   * Fulfils when nobody is accepted any more, every session has ended, and
   * everything is released. Rejects, and never counts as an unhandled rejection,
   * when the listener cannot be closed.
   */
  readonly finished: Promise<void>;
  /**
   * Stops accepting, and lets the sessions go on to their end; those that have
   * not ended after `shutdownTimeout`, or when the signal is aborted, are
   * disconnected. Settles like `finished`.
   */
  shutdown(options?: WaitOptions): Promise<void>;
}

/**
 * Serves everybody who comes to a listener, each with a session of its own, and
 * owns the listener and the sessions from then on.
 *
 * `create()` is called for each connection and gives a protocol that is `idle`:
 * it is connected, and when its session has ended it is brought back to `idle`.
 * A session that negotiates holds nobody up, and one that fails touches no
 * other: its failure is logged. A failing `accept()` is logged and tried again,
 * after 5 ms at first and up to a second later on, until the listener is closed.
 *
 * @throws {TypeError} `listener` or `create` is something else.
 * @throws {RangeError} A number is out of range: `maxSessions` and `idleTimeout`
 * are 1 at least, a time has what a timer can wait at most, some 24 days.
 *
 * @example An echo server
 * ```ts
 * import { jsonLines, Peer, serve } from "@parley/parley/protocol";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends Peer<string> {
 *   protected override onMessage(message: string) {
 *     return this.send(message);
 *   }
 * }
 *
 * const codec = () => jsonLines<string>();
 * const transport = memory();
 * await using server = serve(
 *   await transport.listen(),
 *   () => new Echo({ codec }),
 * );
 *
 * await using client = new Peer({ codec });
 * await client.connect(transport);
 * await client.send("hello");
 * for await (const answer of client) {
 *   assertEquals(answer, "hello");
 *   break;
 * }
 * await client.disconnect();
 * await server.shutdown();
 * ```
 */
export function serve<P extends AsyncProtocol<unknown, unknown>>(
  listener: Listener,
  create: () => P,
  options: ServeOptions = {},
): Server<P> {
  checkMember("listener", listener, ["accept"], "a Listener");
  if (typeof create !== "function") {
    throw new TypeError(
      `Cannot use the argument: create is ${
        show(create)
      }: it must be a function`,
    );
  }
  const { signal, ...limits } = options;
  checkNumber("maxSessions", limits.maxSessions, 1, Infinity);
  checkNumber("idleTimeout", limits.idleTimeout, 1, MAX_TIMEOUT);
  checkNumber("maxQueuedBytes", limits.maxQueuedBytes, 1, Infinity);
  checkNumber("shutdownTimeout", limits.shutdownTimeout, 0, MAX_TIMEOUT);
  return new ListeningServer(listener, create, limits, signal);
}
