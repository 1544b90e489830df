/**
 * Replaces the timers and `performance.now()` until it is disposed of: time passes
 * when a test says so.
 */
export class VirtualTime implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #timers = new Map<number, { at: number; fire: () => void }>();
  #now = performance.now();
  #last = 0;

  constructor() {
    const set = (fire: () => void, ms = 0) => {
      this.#timers.set(++this.#last, { at: this.#now + ms, fire });
      return this.#last;
    };
    const clear = (id?: number) => void this.#timers.delete(id ?? 0);
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    Object.defineProperty(performance, "now", {
      configurable: true,
      value: () => this.#now,
    });
  }

  /** The number of pending timers. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Advances the time by some milliseconds, and fires the timers in order. */
  pass(ms: number): void {
    this.#now += ms;
    const due = [...this.#timers].filter(([, { at }]) => at <= this.#now);
    due.sort(([, a], [, b]) => a.at - b.at);
    for (const [id, { fire }] of due) if (this.#timers.delete(id)) fire();
  }

  [Symbol.dispose](): void {
    const setTimeout = this.#setTimeout;
    const clearTimeout = this.#clearTimeout;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    Reflect.deleteProperty(performance, "now");
  }
}
