/** By how much progress extends a deadline at the most. */
const MAX_EXTENSION = 10;

/** When a call times out, on the clock of `performance.now()`. */
export class Deadline {
  readonly #timeout: number;
  readonly #opened = performance.now();
  readonly #last: number;
  #at: number;

  constructor(timeout = Infinity, totalTimeout = MAX_EXTENSION * timeout) {
    this.#timeout = timeout;
    this.#last = this.#opened + totalTimeout;
    this.#at = Math.min(this.#opened + timeout, this.#last);
  }

  get at(): number {
    return this.#at;
  }

  /** From opening the call to its deadline, in milliseconds. */
  get time(): number {
    return Math.round(this.#at - this.#opened);
  }

  /** Begins the timeout anew, up to the total one. */
  extend(): void {
    this.#at = Math.min(performance.now() + this.#timeout, this.#last);
  }
}
