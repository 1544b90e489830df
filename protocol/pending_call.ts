/** Options of `PendingCalls.open()`. */
export interface OpenCallOptions<Id = number> {
  /**
   * The id that the reply will have.
   *
   * @default {the next integer, from 1}
   */
  id?: Id | undefined;
  /**
   * Gives the call up: its promise rejects with the signal's reason.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
  /**
   * How long the reply may take, in milliseconds; `Infinity` for no limit.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * The deadline that `PendingCalls.extend()` cannot pass, in milliseconds from
   * now. It holds also if `timeout` is later or is not given.
   *
   * @default {10 times the timeout}
   */
  totalTimeout?: number | undefined;
  /**
   * The name of what is called, for errors.
   *
   * @default {undefined}
   */
  method?: string | undefined;
}

/** Options of `PendingCalls`. */
export interface PendingCallsOptions<Reply, Id = number> {
  /**
   * Called when a call is given up, by its signal or its deadline: a protocol
   * may tell its peer.
   *
   * @default {undefined}
   */
  onAbandoned?: ((call: PendingCall<Reply, Id>) => void) | undefined;
  /**
   * The largest id that is given, after which ids begin at 1 again: 65,535 if the
   * protocol has 16 bits for it. An id that waits for its reply is not given.
   *
   * @default {9007199254740991}
   */
  maxId?: number | undefined;
}

/** A call that waits for its reply. */
export interface PendingCall<Reply, Id = number> {
  /** The id that the reply will have. */
  readonly id: Id;
  /** The name of what is called. */
  readonly method: string | undefined;
  /**
   * Settles with the reply, or when the call is given up or interrupted. It
   * never counts as an unhandled rejection.
   */
  readonly promise: Promise<Reply>;
  /**
   * Whether the request may have reached the peer, as errors tell it. It is true
   * from the start; a protocol that holds a request back sets it to false until
   * the request goes out.
   */
  sent: boolean;
}
