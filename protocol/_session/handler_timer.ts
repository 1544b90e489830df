/** How long a handler may take before it is told of, in milliseconds. */
const SLOW_MS = 5_000;

/**
 * Tells of a handler that has not settled for some seconds: once a session, and
 * with one timer for as many handlers as there are.
 */
export class HandlerTimer {
  readonly #onSlow: () => boolean;
  #running = false;
  #handled = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onSlow Whether the handler is told of, which is not done again. */
  constructor(onSlow: () => boolean) {
    this.#onSlow = onSlow;
  }

  /** A handler has returned a promise. */
  begin(): void {
    this.#running = true;
    if (this.#timer === undefined && !this.#stopped) this.#wait();
  }

  /** The promise has settled. */
  end(): void {
    this.#running = false;
    this.#handled++;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    const handled = this.#handled;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#running) return;
      if (handled === this.#handled && this.#onSlow()) this.#stopped = true;
      else this.#wait();
    }, SLOW_MS);
  }
}
