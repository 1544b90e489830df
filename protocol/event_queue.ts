import { BoundedEvents, type Taken } from "./_events/bounded_events.ts";
import { printable } from "./_util/printable.ts";
import { show } from "./_util/show.ts";
import { told } from "./_util/told.ts";
import { callHook } from "./_util/call_hook.ts";
import { startTimer } from "./_util/start_timer.ts";
import { checkNumber } from "./_util/validate.ts";
import { EndOfStreamError, EventOverflowError } from "./errors.ts";
import type { ListenOptions, NextEventOptions } from "./listen_options.ts";

/** How a queue tells the events apart, and which of them it takes. */
export interface EventQueueOptions<E> extends ListenOptions<E> {
  /** The name of an event. */
  nameOf: (event: E) => string;
  /**
   * The names of the events to take.
   *
   * @default {all events}
   */
  names?: string | readonly string[] | undefined;
  /**
   * Called once, when the queue takes no more events. What it throws is reported
   * as uncaught.
   *
   * @default {undefined}
   */
  onClosed?: ((queue: EventQueue<E>) => void) | undefined;
}

/** A pending wait for an event. */
interface Waiter<E> {
  wants(event: E): boolean;
  /** Takes the event; `undefined` if the listener or the wait has ended. */
  settle(taken: Taken<E> | undefined): void;
  fail(error: unknown): void;
}

/** How a listener ended. */
interface End {
  /** The cause for waits for an event that will not come. */
  cause: unknown;
  /** Whether it is a failure, which iterations throw. */
  failed: boolean;
}

/**
 * A bounded queue of events. It takes the events that are dispatched to it from
 * the moment it is made, in order. Beyond its limits the oldest unread event is
 * dropped and counted, or the queue fails: see `overflow`.
 *
 * An iteration takes events from the queue. After `break`, the next iteration
 * goes on with the next event; several iterations share the events.
 *
 * @example The events of one name
 * ```ts
 * import { EventQueue } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new EventQueue<{ type: string; n: number }>({
 *   nameOf: (event) => event.type,
 *   names: "tick",
 * });
 * queue.dispatch({ type: "tock", n: 0 });
 * queue.dispatch({ type: "tick", n: 1 });
 * assertEquals(await queue.next(), { type: "tick", n: 1 });
 * queue.close();
 * ```
 */
export class EventQueue<E> implements AsyncIterable<E>, Disposable {
  readonly #nameOf: (event: E) => string;
  readonly #wants: (event: E, bytes: number) => boolean;
  readonly #onClosed: () => void;
  readonly #waiters = new Set<Waiter<E>>();
  readonly #unread: BoundedEvents<E>;
  readonly #history: BoundedEvents<E>;
  /** The limits, in words, if an overflow is a failure. */
  readonly #failsBeyond: string | undefined;
  #dropped = 0;
  #end: End | undefined;

  /**
   * Makes an empty queue.
   *
   * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
   * @throws {TypeError} `limit` or `maxBytes` is not a number, or `overflow` is
   * something else.
   */
  constructor(options: EventQueueOptions<E>) {
    const { filter, limit = 1024, maxBytes = 8 * 2 ** 20, signal } = options;
    const { nameOf, onClosed, overflow = "drop" } = options;
    checkPositiveInteger("limit", limit);
    checkPositiveInteger("maxBytes", maxBytes);
    checkOverflow(overflow);
    if (overflow === "fail") {
      this.#failsBeyond = `limit is ${limit}, maxBytes is ${maxBytes}`;
    }
    const names = namesOf(options.names);
    this.#nameOf = nameOf;
    this.#wants = (event, bytes) =>
      (names?.has(nameOf(event)) ?? true) && (filter?.(event, bytes) ?? true);
    this.#unread = new BoundedEvents({ limit, maxBytes });
    this.#history = new BoundedEvents({ limit, maxBytes });
    const abort = () => this.fail(signal?.reason);
    this.#onClosed = () => {
      signal?.removeEventListener("abort", abort);
      onClosed?.(this);
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
  }

  /** The last events, read or not, up to `limit` and `maxBytes`. */
  get history(): readonly E[] {
    return this.#history.toArray();
  }
  /** How many events were dropped because they were not read in time. */
  get dropped(): number {
    return this.#dropped;
  }
  /** Whether no event will follow. */
  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Takes an event, if it is wanted here.
   *
   * @param bytes Its size on the wire.
   */
  dispatch(event: E, bytes: number = 0): void {
    try {
      if (this.#end || !this.#wants(event, bytes)) return;
    } catch (cause) {
      return this.fail(cause);
    }
    this.#history.push(event, bytes);
    for (const waiter of this.#waiters) {
      try {
        if (waiter.wants(event)) return waiter.settle({ event });
      } catch (error) {
        waiter.fail(error);
      }
    }
    const dropped = this.#unread.push(event, bytes);
    this.#dropped += dropped;
    if (dropped === 0 || this.#failsBeyond === undefined) return;
    this.#dropped += this.clear().length;
    const name = printable(JSON.stringify(this.#nameOf(event)));
    this.fail(
      new EventOverflowError(
        `Cannot queue event ${name}: too many wait to be read: ${this.#failsBeyond}`,
      ),
    );
  }

  /**
   * This queue, when the peer has confirmed its subscription. A protocol listens
   * first, so that no event is missed, and then asks its peer. If the promise
   * rejects, the queue is closed.
   *
   * @throws The error of the promise.
   */
  async confirmedBy(confirmation: Promise<unknown>): Promise<this> {
    try {
      await confirmation;
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Ends the listener, once the queued events have been read. */
  end(cause: unknown): void {
    this.#close({ cause, failed: false });
  }

  /**
   * Ends the listener because of a failure, and drops its events: iterations and
   * waits throw the cause. After an end it does nothing.
   */
  fail(cause: unknown): void {
    if (!this.#end) this.#stop({ cause, failed: true });
  }

  /**
   * Takes the first event, or the first event that has one of these names and
   * passes the filter. Events before it keep their place. If there is none, it
   * waits.
   *
   * @throws {EndOfStreamError} The queue has ended, and there is no such event.
   * @throws {DOMException} A `TimeoutError`: there is no such event in time.
   * @throws {RangeError} `timeout` is out of range.
   * @throws The signal's reason, when it is aborted, or an error of the filter.
   */
  next(
    names?: string | readonly string[],
    options: NextEventOptions<E> = {},
  ): Promise<E> {
    const next = this.#next(names, options);
    // The caller may begin to wait after the session has ended.
    next.catch(() => {});
    return next;
  }

  async #next(
    names: string | readonly string[] | undefined,
    options: NextEventOptions<E>,
  ): Promise<E> {
    const { filter, signal, timeout = Infinity } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    signal?.throwIfAborted();
    const wanted = namesOf(names);
    const wait = this.#take((event) =>
      (wanted?.has(this.#nameOf(event)) ?? true) && (filter?.(event) ?? true)
    );
    const abort = () => wait.settle(undefined);
    const late = () => {
      const what = wanted ? `event ${[...wanted].join(" or ")}` : "event";
      const message = `Cannot get ${what}: there was none in ${timeout} ms`;
      wait.fail(new DOMException(message, "TimeoutError"));
    };
    const timer = startTimer(late, timeout);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const taken = await wait.taken;
      if (taken) return taken.event;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
    signal?.throwIfAborted();
    const { cause, failed } = this.#end ?? {};
    if (failed) throw cause;
    throw new EndOfStreamError("No more events: the listener has ended", {
      cause: told(cause),
    });
  }

  /** Empties the queue, and returns the events that were in it. */
  clear(): E[] {
    return this.#unread.clear();
  }

  /** Ends the queue, and drops its events. Idempotent. */
  close(): void {
    this.#stop({ cause: undefined, failed: false });
  }

  /** Ends the queue, as `close()` does. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** An iterator over the queue; several iterators share its events. */
  [Symbol.asyncIterator](): AsyncIterableIterator<E> {
    const waits = new Set<Waiter<E>>();
    let over = false;
    const iterator: AsyncIterableIterator<E> = {
      next: async () => {
        if (over) return { done: true, value: undefined };
        const wait = this.#take(() => true);
        waits.add(wait);
        const taken = await wait.taken;
        waits.delete(wait);
        if (taken) return { done: false, value: taken.event };
        if (!over && this.#end?.failed) {
          over = true; // An error is thrown once.
          throw this.#end.cause;
        }
        return { done: true, value: undefined };
      },
      return: () => {
        over = true;
        for (const wait of waits) wait.settle(undefined);
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Takes an event from the queue, or waits for it. */
  #take(
    wants: (event: E) => boolean,
  ): Waiter<E> & { readonly taken: Promise<Taken<E> | undefined> } {
    const { promise: taken, resolve, reject } = Promise.withResolvers<
      Taken<E> | undefined
    >();
    const waiter = {
      wants,
      taken,
      settle: (event: Taken<E> | undefined) => {
        this.#waiters.delete(waiter);
        resolve(event);
      },
      fail: (error: unknown) => {
        this.#waiters.delete(waiter);
        reject(error);
      },
    };
    const event = this.#unread.take(wants);
    if (event || this.#end) resolve(event);
    else this.#waiters.add(waiter);
    return waiter;
  }

  #stop(end: End): void {
    this.#unread.clear();
    this.#close(end);
  }

  #close(end: End): void {
    if (this.#end) return;
    this.#end = end;
    for (const waiter of this.#waiters) waiter.settle(undefined);
    callHook(this.#onClosed);
  }
}

function checkPositiveInteger(option: string, value: unknown): void {
  if (Number.isInteger(value) && Number(value) > 0) return;
  const WrongOption = typeof value === "number" ? RangeError : TypeError;
  throw new WrongOption(
    `Cannot use the option: ${option} is ${
      show(value)
    }: it must be a positive integer`,
  );
}

function checkOverflow(value: "drop" | "fail"): void {
  if (value === "drop" || value === "fail") return;
  throw new TypeError(
    `Cannot use the option: overflow is ${
      show(value)
    }: it must be "drop" or "fail"`,
  );
}

/** Names as a set; `undefined` stands for all. */
function namesOf(
  names: string | readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  return names === undefined
    ? undefined
    : new Set(typeof names === "string" ? [names] : names);
}
