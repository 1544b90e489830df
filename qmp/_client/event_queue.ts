import { show } from "../../protocol/_util/show.ts";
import { checkNumber, MAX_TIMEOUT } from "../../protocol/_util/validate.ts";
import { EndOfStreamError } from "../../protocol/errors.ts";
import type {
  ListenOptions,
  NextEventOptions,
  QMPEventListener,
} from "../event_listener.ts";
import type { QMPEvent } from "../messages.ts";
import { BoundedEvents } from "./bounded_events.ts";

/** A pending wait for an event. */
interface Waiter {
  wants(event: QMPEvent): boolean;
  /** Takes the event; `undefined` if the listener or the wait has ended. */
  settle(event: QMPEvent | undefined): void;
  fail(error: unknown): void;
}

/** How a listener ended. */
interface End {
  /** The cause for waits for an event that will not come. */
  cause: unknown;
  /** Whether it is a failure, which iterations throw. */
  failed: boolean;
}

/** A listener with the methods that fill and end it. */
export class EventQueue implements QMPEventListener {
  readonly #wants: (event: QMPEvent, bytes: number) => boolean;
  readonly #onClosed: () => void;
  readonly #waiters = new Set<Waiter>();
  readonly #unread: BoundedEvents;
  readonly #history: BoundedEvents;
  #dropped = 0;
  #end: End | undefined;

  constructor(
    names: ReadonlySet<string> | undefined,
    options: ListenOptions,
    onClosed: (queue: EventQueue) => void,
  ) {
    const { filter, limit = 1024, maxBytes = 8 * 2 ** 20, signal } = options;
    checkPositiveInteger("limit", limit);
    checkPositiveInteger("maxBytes", maxBytes);
    this.#wants = (event, bytes) =>
      (names?.has(event.event) ?? true) && (filter?.(event, bytes) ?? true);
    this.#unread = new BoundedEvents({ limit, maxBytes });
    this.#history = new BoundedEvents({ limit, maxBytes });
    const abort = () => this.#stop({ cause: signal?.reason, failed: true });
    this.#onClosed = () => {
      signal?.removeEventListener("abort", abort);
      onClosed(this);
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
  }

  get history(): readonly QMPEvent[] {
    return this.#history.toArray();
  }
  get dropped(): number {
    return this.#dropped;
  }
  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Takes an event, if it is wanted here.
   *
   * @param bytes Its size on the wire.
   */
  dispatch(event: QMPEvent, bytes: number): void {
    try {
      if (this.#end || !this.#wants(event, bytes)) return;
    } catch (cause) {
      return this.#stop({ cause, failed: true });
    }
    this.#history.push(event, bytes);
    for (const waiter of this.#waiters) {
      try {
        if (waiter.wants(event)) return waiter.settle(event);
      } catch (error) {
        waiter.fail(error);
      }
    }
    this.#dropped += this.#unread.push(event, bytes);
  }

  /** Ends the listener, once the queued events have been read. */
  end(cause: unknown): void {
    this.#close({ cause, failed: false });
  }

  next(
    names?: string | readonly string[],
    options: NextEventOptions = {},
  ): Promise<QMPEvent> {
    const next = this.#next(names, options);
    // The caller may begin to wait after the session has ended.
    next.catch(() => {});
    return next;
  }

  async #next(
    names: string | readonly string[] | undefined,
    options: NextEventOptions,
  ): Promise<QMPEvent> {
    const { filter, signal, timeout = Infinity } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    signal?.throwIfAborted();
    const wanted = namesOf(names);
    const wait = this.#take((event) =>
      (wanted?.has(event.event) ?? true) && (filter?.(event) ?? true)
    );
    const abort = () => wait.settle(undefined);
    const late = () => {
      const what = wanted ? `event ${[...wanted].join(" or ")}` : "event";
      const message = `Cannot get ${what}: there was none in ${timeout} ms`;
      wait.fail(new DOMException(message, "TimeoutError"));
    };
    const timer = timeout > MAX_TIMEOUT ? undefined : setTimeout(late, timeout);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const event = await wait.taken;
      if (event) return event;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
    signal?.throwIfAborted();
    const { cause, failed } = this.#end ?? {};
    if (failed) throw cause;
    throw new EndOfStreamError("No more events: the listener has ended", {
      cause,
    });
  }

  clear(): QMPEvent[] {
    return this.#unread.clear();
  }

  close(): void {
    this.#stop({ cause: undefined, failed: false });
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<QMPEvent> {
    const waits = new Set<Waiter>();
    let over = false;
    const iterator: AsyncIterableIterator<QMPEvent> = {
      next: async () => {
        if (over) return { done: true, value: undefined };
        const wait = this.#take(() => true);
        waits.add(wait);
        const value = await wait.taken;
        waits.delete(wait);
        if (value) return { done: false, value };
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
    wants: (event: QMPEvent) => boolean,
  ): Waiter & { readonly taken: Promise<QMPEvent | undefined> } {
    const { promise: taken, resolve, reject } = Promise.withResolvers<
      QMPEvent | undefined
    >();
    const waiter = {
      wants,
      taken,
      settle: (event: QMPEvent | undefined) => {
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
    this.#onClosed();
    for (const waiter of this.#waiters) waiter.settle(undefined);
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

/** Names as a set; `undefined` stands for all. */
export function namesOf(
  names: string | readonly string[] | undefined,
): ReadonlySet<string> | undefined {
  return names === undefined
    ? undefined
    : new Set(typeof names === "string" ? [names] : names);
}
