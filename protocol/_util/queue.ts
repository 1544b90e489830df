interface QueueOptions<T> {
  /** Closes the queue at once: what iterates it gets the reason. */
  signal?: AbortSignal | undefined;
  /** Called once, when the queue is closed: at once, where the signal is aborted. */
  onClosed?: (queue: Queue<T>) => void;
}

/**
 * What is pushed at one end is iterated at the other, in order. When it is
 * closed, an iteration goes on to the end of what was pushed, and then ends or
 * throws. `return()` and the signal close it at once.
 */
export class Queue<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #taken = 0;
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #end: { error?: unknown } | undefined;
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

  /** The number of items that nobody has taken. */
  get length(): number {
    return this.#items.length - this.#taken;
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

  /** Ends the iteration after what was pushed, with an error where one is given. */
  close(end: { error?: unknown } = {}): void {
    if (this.#end) return;
    this.#end = end;
    this.#closed();
    for (const waiter of this.#waiting.splice(0)) {
      this.next().then(waiter.resolve, waiter.reject);
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

  next(): Promise<IteratorResult<T>> {
    if (this.length > 0) {
      return Promise.resolve({ done: false, value: this.shift() as T });
    }
    if (!this.#end) {
      const waiter = Promise.withResolvers<IteratorResult<T>>();
      // Who waits may look at it later than the end comes.
      waiter.promise.catch(() => {});
      this.#waiting.push(waiter);
      return waiter.promise;
    }
    // An error is thrown once: after it, the iteration is over.
    const end = this.#end;
    this.#end = {};
    return "error" in end
      ? Promise.reject(end.error)
      : Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T>> {
    this.#stop({});
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #stop(end: { error?: unknown }): void {
    this.#items = [];
    this.#taken = 0;
    this.close(end);
  }
}
