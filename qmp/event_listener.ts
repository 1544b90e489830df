import type {
  ListenOptions,
  NextEventOptions,
} from "../protocol/listen_options.ts";
import type { QMPEvent } from "./messages.ts";

export type { ListenOptions, NextEventOptions };

/** The events in a union that have one of these names. */
export type EventNamed<E, N> = E extends { readonly event: infer Name }
  ? string extends Name ? E
  : Name extends N ? E
  : never
  : never;

/**
 * A queue of a client's events. Every listener has a queue of its own, so reading
 * an event here does not remove it elsewhere. A listener receives the events from
 * its creation on, in order, and ends with the session, once the queued events
 * have been read.
 *
 * An iteration takes events from the queue. After `break`, the next iteration
 * goes on with the next event. `ReadableStream.from()` makes a stream of a
 * listener, and `mergeEvents()` one listener for several clients.
 */
export interface QMPEventListener<
  E extends { readonly event: string } = QMPEvent,
> extends AsyncIterable<E>, Disposable {
  /**
   * Takes the first event, or the first event that has one of these names and
   * passes the filter. Events before it keep their place. If there is none, it
   * waits.
   *
   * @throws {EndOfStreamError} The listener has ended, and there is no such event.
   * @throws {DOMException} A `TimeoutError`: there is no such event in time.
   * @throws {RangeError} `timeout` is out of range.
   * @throws The signal's reason, when it is aborted, or an error of the filter.
   */
  next<N extends E["event"] = E["event"]>(
    names?: N | readonly N[],
    options?: NextEventOptions<EventNamed<E, N>>,
  ): Promise<EventNamed<E, N>>;
  /** Empties the queue, and returns the events that were in it. */
  clear(): E[];
  /** The last events, read or not, up to `limit` and `maxBytes`. */
  readonly history: readonly E[];
  /** How many events were dropped because they were not read in time. */
  readonly dropped: number;
  /** Whether no event will follow. */
  readonly closed: boolean;
  /** Ends the listener, and drops the queued events. Idempotent. */
  close(): void;
  /** An iterator over the queue; several iterators share its events. */
  [Symbol.asyncIterator](): AsyncIterableIterator<E>;
}
