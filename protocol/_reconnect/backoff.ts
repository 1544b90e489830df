/** How long a session must live so that the next pause is short again, in ms. */
const SETTLED_MS = 10_000;

/** The limits of the pauses, in milliseconds. */
export interface BackoffOptions {
  /** The upper bound of the first pause. */
  initialDelay: number;
  /** The upper bound of every pause. */
  maxDelay: number;
}

/**
 * Pauses between attempts. The upper bound doubles with each pause, whether an
 * attempt has failed or a session has ended soon after its start. Each pause is
 * random below the bound, so that clients that have lost one server do not come
 * back at the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #bound: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#bound = options.initialDelay;
  }

  /** The length of the next pause, in milliseconds. */
  next(): number {
    const bound = this.#bound;
    // A first pause of 0 is followed by longer ones, too.
    this.#bound = Math.min(Math.max(bound * 2, 1), this.#options.maxDelay);
    return bound * (1 - Math.random());
  }

  /** To be called when a session starts; dispose of the result when it ends. */
  watchSession(): Disposable {
    const timer = setTimeout(
      () => this.#bound = this.#options.initialDelay,
      SETTLED_MS,
    );
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }
}
