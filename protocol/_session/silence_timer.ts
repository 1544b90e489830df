/** Into how many steps the time is divided: the timer is so much late at most. */
const STEPS = 4;

/**
 * Acts when a counter of bytes has not changed for some time, and again after
 * each such time. It may be late by a quarter of the time.
 */
export class SilenceTimer {
  readonly #ms: number;
  readonly #count: () => number;
  readonly #act: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, count: () => number, act: () => void) {
    this.#ms = ms;
    this.#count = count;
    this.#act = act;
    this.#wait(this.#count(), 1);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(count: number, step: number): void {
    this.#timer = setTimeout(() => {
      const now = this.#count();
      if (now !== count) return this.#wait(now, 1);
      if (step < STEPS) return this.#wait(count, step + 1);
      // The timer may be stopped by what it does.
      this.#wait(count, 1);
      this.#act();
    }, this.#ms / STEPS);
  }
}
