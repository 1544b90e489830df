/** How long a handler may take before it is told of, in milliseconds. */
const SLOW_MS = 5_000;

/** The part of a session that is told of a slow handler. */
export interface SlowHandlerSession {
  /** Returns whether it has warned, which it does once. */
  onSlowHandler(): boolean;
}

/**
 * Tells of a handler that has not settled for some seconds: once a session, and
 * with one timer for as many handlers as there are.
 */
export class HandlerTimer {
  readonly #session: SlowHandlerSession;
  #running = false;
  #handled = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: SlowHandlerSession) {
    this.#session = session;
  }

  /** Whether a handler has not settled yet. */
  get running(): boolean {
    return this.#running;
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
      if (handled === this.#handled && this.#session.onSlowHandler()) {
        this.#stopped = true;
      } else this.#wait();
    }, SLOW_MS);
  }
}
