import { EventQueue } from "./event_queue.ts";
import type { ListenOptions } from "./listen_options.ts";

/** Options of `EventHub.listen()`. */
export interface HubListenOptions<E> extends ListenOptions<E> {
  /**
   * Called once, when the queue takes no more events: a protocol may tell its
   * peer that nobody listens. What it throws is reported as uncaught.
   *
   * @default {undefined}
   */
  onClosed?: (() => void) | undefined;
}

/**
 * Hands each event to every queue that listens.
 *
 * @example Two listeners
 * ```ts
 * import { EventHub } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const hub = new EventHub<{ type: string }>((event) => event.type);
 * const all = hub.listen();
 * const ticks = hub.listen("tick");
 * hub.dispatch({ type: "tock" }, 15);
 * hub.dispatch({ type: "tick" }, 15);
 * assertEquals(all.clear().length, 2);
 * assertEquals(ticks.clear(), [{ type: "tick" }]);
 * hub.end(undefined);
 * ```
 */
export class EventHub<E> {
  readonly #nameOf: (event: E) => string;
  readonly #queues = new Set<EventQueue<E>>();

  /** Takes the function that gives an event's name. */
  constructor(nameOf: (event: E) => string) {
    this.#nameOf = nameOf;
  }

  /** How many queues take events. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * Makes a queue of the events of these names, or of all.
   *
   * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
   * @throws {TypeError} `limit` or `maxBytes` is not a number, or `overflow` is
   * something else.
   */
  listen(
    names?: string | readonly string[],
    options: HubListenOptions<E> = {},
  ): EventQueue<E> {
    const queue = new EventQueue<E>({
      ...options,
      names,
      nameOf: this.#nameOf,
      onClosed: (closed) => {
        this.#queues.delete(closed);
        options.onClosed?.();
      },
    });
    if (!queue.closed) this.#queues.add(queue);
    return queue;
  }

  /**
   * Hands an event to every queue that wants it.
   *
   * @param bytes The event's size on the wire, for the limits of the queues.
   */
  dispatch(event: E, bytes: number = 0): void {
    for (const queue of this.#queues) queue.dispatch(event, bytes);
  }

  /** Ends every queue because of a failure: iterations and waits throw the cause. */
  fail(cause: unknown): void {
    for (const queue of this.#queues) queue.fail(cause);
  }

  /** Ends every queue, once its events have been read; `cause` is told then. */
  end(cause: unknown): void {
    for (const queue of this.#queues) queue.end(cause);
  }
}
