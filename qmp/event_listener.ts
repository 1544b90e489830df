import type { WaitOptions } from "../transports/transport.ts";
import type { QMPEvent } from "./messages.ts";

/** Options of a listener. */
export interface ListenOptions<E = QMPEvent> extends WaitOptions {
  /**
   * Which of the events to hear, beside what their names say. An error that it
   * throws closes the listener.
   *
   * @default {undefined}
   */
  filter?: (event: E) => boolean;
  /**
   * How many events are kept for who reads late. Beyond it the oldest is
   * dropped, and counted.
   *
   * @default {1024}
   */
  limit?: number;
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
  /** The last events that were heard, `limit` of them, whether read or not. */
  readonly history: readonly E[];
  /** How many events were dropped because nobody read them in time. */
  readonly dropped: number;
  /** Whether nothing more will be heard. */
  readonly closed: boolean;
  /** Stops hearing, and drops what is queued: an iteration ends. Idempotent. */
  close(): void;
  /** An iterator over the queue; several share its events. */
  [Symbol.asyncIterator](): AsyncIterableIterator<E>;
}
