import type { WaitOptions } from "../transports/transport.ts";
import type { QMPEvent } from "./messages.ts";

/** Options of a listener. */
export interface ListenOptions<E = QMPEvent> extends WaitOptions {
  /**
   * Selects events, beside their names. It is also given the event's size in
   * bytes, as it was received. An error that it throws closes the listener.
   *
   * @default {undefined}
   */
  filter?: ((event: E, bytes: number) => boolean) | undefined;
  /**
   * How many events are kept until they are read, and in the history. Beyond
   * that the oldest event is dropped, and counted if it was not read.
   *
   * @default {1024}
   */
  limit?: number | undefined;
  /**
   * How many bytes of events are kept, as they were received, until they are
   * read, and in the history. The newest event is kept in any case.
   *
   * @default {8388608}
   */
  maxBytes?: number | undefined;
}

/**
 * A queue of the events that a client hears, its own: what is read here is not
 * missed elsewhere. It hears events from the moment it is made, in their order,
 * and ends with the session, after what is queued has been read.
 *
 * To iterate it is to take events from the queue; an iteration that is left
 * goes on with the next one. `ReadableStream.from()` makes a stream of it, and
 * `mergeEvents()` one listener for several clients.
 */
export interface QMPEventListener<E = QMPEvent>
  extends AsyncIterable<E>, Disposable {
  /**
   * Takes the first event, or the first of these names: the others keep their
   * place. Waits for it where none is there.
   *
   * @throws {EndOfStreamError} The listener has ended, and no such event is left.
   * @throws The signal's reason, when it is aborted.
   */
  next(
    names?: string | readonly string[],
    options?: WaitOptions,
  ): Promise<E>;
  /** Empties the queue, and returns what was in it. */
  clear(): E[];
  /** The last events, read or not, up to `limit` and `maxBytes`. */
  readonly history: readonly E[];
  /** How many events were dropped because they were not read in time. */
  readonly dropped: number;
  /** Whether nothing more will be heard. */
  readonly closed: boolean;
  /** Stops hearing, and drops what is queued: an iteration ends. Idempotent. */
  close(): void;
  /** An iterator over the queue; several share its events. */
  [Symbol.asyncIterator](): AsyncIterableIterator<E>;
}
