import { startTimer } from "../_util/start_timer.ts";

/** The counters are read so many times within the time: it is late by one step at most. */
const STEPS = 4;

/** How many bytes there were; undefined if silence cannot be told from bytes. */
export type ByteCount = () => number | undefined;

/** A counter of bytes, and for how many steps it has not changed. */
interface Counter {
  readonly read: ByteCount;
  value: number | undefined;
  silentSteps: number;
}

/**
 * Acts when one of its counters of bytes has not changed for some time, and
 * again after each such time. It may be late by a quarter of the time.
 */
export class SilenceTimer {
  readonly #counters: Counter[];
  readonly #act: () => void;
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, counts: readonly ByteCount[], act: () => void) {
    this.#counters = counts.map((read) => {
      return { read, value: read(), silentSteps: 0 };
    });
    this.#act = act;
    this.#ms = ms;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = startTimer(() => {
      // The timer may be stopped by what it does.
      this.#wait();
      this.#step();
    }, this.#ms / STEPS);
  }

  #step(): void {
    let acts = false;
    for (const counter of this.#counters) {
      const value = counter.read();
      const silent = value !== undefined && value === counter.value;
      counter.silentSteps = silent ? counter.silentSteps + 1 : 0;
      counter.value = value;
      if (counter.silentSteps === STEPS) acts = true;
    }
    if (!acts) return;
    for (const counter of this.#counters) counter.silentSteps = 0;
    this.#act();
  }
}
