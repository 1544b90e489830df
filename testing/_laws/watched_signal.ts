/** A signal that counts its listeners. */
export class WatchedSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();
  /** The number of listeners that have ever been added. */
  added = 0;

  constructor() {
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: boolean | AddEventListenerOptions,
    ) => {
      this.added++;
      this.#listeners.add(listener);
      if (typeof options === "object" && options.once) {
        add(type, () => this.#listeners.delete(listener), { once: true });
      }
      add(type, listener, options);
    };
    signal.removeEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
    ) => {
      this.#listeners.delete(listener);
      remove(type, listener);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The number of listeners on the signal now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  abort(reason?: unknown): void {
    this.#controller.abort(reason);
  }
}
