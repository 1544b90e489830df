import type { Address, WaitOptions } from "../transports/transport.ts";
import type { AsyncProtocol } from "./async_protocol.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions<P = AsyncProtocol<unknown, unknown>> {
  /**
   * Ends the server at once when it is aborted: nothing more is accepted, and
   * every session is disconnected, each within its `closeTimeout`.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
  /**
   * Told of each failure: of a session, of `create()`, and of `accept()`, the
   * last two without a session. A peer that merely ends its session is not a
   * failure. Without this function, failures are logged at error level, with
   * their stacks.
   *
   * @default {undefined}
   */
  onError?: ((error: unknown, session?: P) => void) | undefined;
  /**
   * The maximum number of sessions, those in negotiation included. While there
   * are so many, nothing is accepted: the next connections wait in the queue of
   * the listener.
   *
   * @default {Infinity}
   */
  maxSessions?: number | undefined;
  /**
   * How long no byte may go either way in a session, in milliseconds, also in
   * its negotiation. After that, and up to a quarter later, it ends with an
   * `IdleTimeoutError`.
   *
   * @default {Infinity}
   */
  idleTimeout?: number | undefined;
  /**
   * How many milliseconds `shutdown()` waits for sessions in which something is
   * going on, before it disconnects them.
   *
   * @default {5000}
   */
  shutdownTimeout?: number | undefined;
  /**
   * The maximum number of bytes that all sessions together hold for their peers:
   * queued messages, kept messages and incomplete messages. While they hold
   * more, each session that holds more than an equal share of the limit reads
   * nothing. If they still hold more after a second, the largest session ends
   * with a `QueueLimitError`.
   *
   * @default {33554432}
   */
  maxQueuedBytes?: number | undefined;
}

/** The sessions of one listener; disposing of it is `shutdown()`. */
export interface Server<P, A extends Address = Address>
  extends AsyncDisposable {
  /** Where the server listens. */
  readonly addr: A;
  /** The sessions that are running at this moment. */
  readonly sessions: ReadonlySet<P>;
  /**
   * Fulfils when nothing is accepted any more, every session has ended, and
   * everything is released. Rejects when the listener cannot be closed; this
   * never counts as an unhandled rejection.
   */
  readonly closed: Promise<void>;
  /**
   * Stops accepting, and ends each session as soon as nothing is going on in it:
   * no handler runs, no message is received in part, everything is sent, and
   * its `onShutdown()` has settled. After `shutdownTimeout`, or when the signal
   * is aborted, the others are disconnected too. Settles like `closed`.
   */
  shutdown(options?: WaitOptions): Promise<void>;
}
