import { handled } from "./abortable.ts";
import { told } from "./told.ts";

/** Options of a queue. */
export interface QueueOptions<T> {
  /** Closes the queue at once: an iteration throws the reason. */
  signal?: AbortSignal | undefined;
  /** Called once, when the queue is closed: at once if the signal is aborted. */
  onClosed?: (queue: Queue<T>) => void;
}

/** Options of a wait for the next item. */
export interface NextOptions {
  /** Withdraws the wait, which then rejects with the reason. */
  signal?: AbortSignal | undefined;
  /** The iteration that waits: `withdraw()` ends its waits. */
  owner?: object | undefined;
}

interface Waiter<T> extends PromiseWithResolvers<IteratorResult<T>> {
  owner: object;
}

/**
 * Items are pushed at one end and iterated at the other, in order. When the
 * queue is closed, each iteration goes on to the end of what was pushed, and then
 * ends, or throws once. `return()` and the signal close it at once.
 */
export class Queue<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #taken = 0;
  #waiting: Waiter<T>[] = [];
  #end: { error?: unknown } | undefined;
  /** The owners whose waits have been told the error: after it, they are over. */
  #told: WeakSet<object> | undefined;
  readonly #closed: () => void;

  constructor(options: QueueOptions<T> = {}) {
    const { signal, onClosed } = options;
    const abort = () => this.#stop({ error: signal?.reason });
    this.#closed = () => {
      signal?.removeEventListener("abort", abort);
      onClosed?.(this);
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
  }

  /** The number of items that are not taken. */
  get length(): number {
    return this.#items.length - this.#taken;
  }

  /** The number of waits for an item. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the queue takes no more items. */
  get closed(): boolean {
    return this.#end !== undefined;
  }

  /** Appends an item; a closed queue drops it. */
  push(item: T): void {
    if (this.#end) return;
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve({ done: false, value: item });
    else this.#items.push(item);
  }

  /** Ends the iteration after what was pushed, with an error if one is given. */
  close(end: { error?: unknown } = {}): void {
    if (this.#end) return;
    this.#end = end;
    this.#closed();
    for (const waiter of this.#waiting.splice(0)) {
      this.next(waiter).then(waiter.resolve, waiter.reject);
    }
  }

  /** Takes the first item, without waiting. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#taken++];
    // Dropping the taken half at a time keeps the cost of an item constant.
    if (this.#taken * 2 >= this.#items.length) {
      this.#items.splice(0, this.#taken);
      this.#taken = 0;
    }
    return item;
  }

  next(
    { signal, owner = this }: NextOptions = {},
  ): Promise<IteratorResult<T>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.length > 0) {
      return Promise.resolve({ done: false, value: this.shift() as T });
    }
    if (!this.#end) return this.#wait(signal, owner);
    if (!("error" in this.#end) || this.#told?.has(owner)) {
      return Promise.resolve({ done: true, value: undefined });
    }
    (this.#told ??= new WeakSet()).add(owner);
    return Promise.reject(told(this.#end.error));
  }

  /** Ends the waits of an owner: they take no item. */
  withdraw(owner: object): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((waiter) => waiter.owner !== owner);
    for (const waiter of waiting) {
      if (waiter.owner === owner) {
        waiter.resolve({ done: true, value: undefined });
      }
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.#stop({});
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wait(
    signal: AbortSignal | undefined,
    owner: object,
  ): Promise<IteratorResult<T>> {
    const waiter = { ...handled<IteratorResult<T>>(), owner };
    this.#waiting.push(waiter);
    if (!signal) return waiter.promise;
    const abort = () => {
      this.#waiting = this.#waiting.filter((other) => other !== waiter);
      waiter.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const settled = () => signal.removeEventListener("abort", abort);
    waiter.promise.then(settled, settled);
    return waiter.promise;
  }

  #stop(end: { error?: unknown }): void {
    this.#items = [];
    this.#taken = 0;
    this.close(end);
  }
}
