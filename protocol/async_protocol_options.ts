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
   * How many bytes may be queued before `send()` waits for room. Text that is
   * not encoded yet, of which there are at most 64 Ki UTF-16 units, counts as a
   * byte a unit.
   *
   * @default {131072}
   */
  highWaterMark?: number;
  /**
   * How many bytes the session holds for its peer at most: what is queued to be
   * sent, and what was received and is kept. When the peer does not read what is
   * queued and yet more is sent, the session ends with a `QueueLimitError`: this
   * happens only if `send()` is not awaited. While more is kept, nothing is read.
   * One message may be larger, if there is no other.
   *
   * @default {8388608}
   */
  maxQueuedBytes?: number;
  /**
   * For how long an orderly end may take, in milliseconds, before it is forced.
   *
   * @default {5000}
   */
  closeTimeout?: number;
}
