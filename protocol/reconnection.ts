import type { WaitOptions } from "../transports/transport.ts";

/** Options of {@linkcode reconnecting}. */
export interface ReconnectPolicy {
  /**
   * The upper bound of the first pause, in milliseconds. The bound doubles with
   * each pause, until a session has lived for 10 seconds. Each pause is random
   * below its bound, so that clients that have lost one server do not come back
   * at the same moment.
   *
   * @default {250}
   */
  initialDelay?: number | undefined;
  /**
   * The upper bound of every pause, in milliseconds.
   *
   * @default {30000}
   */
  maxDelay?: number | undefined;
  /**
   * How many attempts in a row may fail.
   *
   * @default {Infinity}
   */
  maxAttempts?: number | undefined;
  /**
   * Called after each connect, to log in or to subscribe, say; its session is
   * usable once the promise is settled. If it throws, the session ends, and the
   * attempt has failed.
   *
   * @default {undefined}
   */
  onConnect?: (() => void | Promise<void>) | undefined;
  /**
   * Whether an error is worth another attempt. It is the first cause of a failed
   * session, or the error of a failed attempt. Of a `ConnectError` that has a
   * cause, it is the cause. A wrong password is not worth another attempt.
   *
   * @default {what the protocol's isRetriable() says}
   */
  isRetriable?: ((error: unknown) => boolean) | undefined;
}

/** A protocol that is connected again when it loses its session. */
export interface Reconnection extends AsyncDisposable {
  /**
   * Settles when no session will follow: fulfils when the last one has ended in
   * order or the protocol has been disconnected, rejects with the error that is
   * not worth another attempt. It never counts as an unhandled rejection.
   */
  readonly closed: Promise<void>;
  /**
   * Resolves when the protocol is connected and `onConnect()` is done; at once
   * if it is.
   *
   * @throws {StateError} No session will follow: the last one has ended in order,
   * or the protocol has been disconnected.
   * @throws The error that `closed` rejects with.
   * @throws The signal's reason, when it is aborted.
   */
  connected(options?: WaitOptions): Promise<void>;
  /** Stops connecting, and disconnects the protocol. */
  [Symbol.asyncDispose](): Promise<void>;
}
