/** An operation, as the message of an error begins. */
export type ChannelAction = "Read from" | "Write to";

/** The outcome of a read: the number of bytes, or `null` at the end. */
export type ReadOutcome = Promise<number | null> | number | null;

/**
 * The bytes of a connection, as a transport implements them.
 * `ChannelConnection` adds the rest: streams, the order of operations, and what
 * `close()` and `abort()` promise.
 *
 * There is at most one `read()` and one `write()` at a time. After `closeWrite()`
 * nothing is written, and after `close()` or `abort()` nothing is called at all.
 */
export interface Channel {
  /**
   * The size of the smallest buffer that `read()` takes, but for an empty one.
   *
   * @default {1}
   */
  readonly minRead?: number;
  /** Reads some bytes: their number, or `null` at the end. */
  read(into: Uint8Array): ReadOutcome;
  /** Writes some of the bytes, and gives their number. */
  write(bytes: Uint8Array): Promise<number> | number;
  /** Ends writing. */
  closeWrite(): Promise<void>;
  /** Tells that nobody reads any more; a read that is pending may go on. */
  closeRead(): void;
  /**
   * Tells that `close()` will follow, once the writes that are pending have ended.
   * A channel that bounds their time fails them.
   */
  closing?(): void;
  /**
   * Releases everything once writing has ended. A read that is pending settles.
   *
   * @param reading The read that is pending.
   * @param exhausted Whether reading has come to its end or has failed.
   */
  close(reading: ReadOutcome | undefined, exhausted: boolean): Promise<void>;
  /** Releases everything at once. A read and a write that are pending settle. */
  abort(reason: unknown): void | Promise<void>;
  /**
   * The error for the caller of an operation that has failed; without a cause,
   * of an operation on a closed connection.
   */
  explain(action: ChannelAction, cause?: unknown): unknown;
}
