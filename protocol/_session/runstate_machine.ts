import { Queue } from "../_util/queue.ts";
import { Runstate, transitions } from "../runstate.ts";

/** Moves the runstate, and tells watchers. */
export class RunstateMachine {
  #state: Runstate = Runstate.IDLE;
  #watchers: Queue<Runstate>[] = [];

  get state(): Runstate {
    return this.#state;
  }

  /** Enters a state; an illegal move is a bug of Parley, and throws. */
  move(to: Runstate): void {
    if (!transitions[this.#state].includes(to)) {
      throw new Error(
        `Illegal transition of the runstate: ${this.#state} to ${to}`,
      );
    }
    this.#state = to;
    for (const watcher of this.#watchers) watcher.push(to);
  }

  /** Every transition from now on, in order, none lost. */
  watch(signal?: AbortSignal): AsyncIterableIterator<Runstate> {
    const watcher = new Queue<Runstate>({
      signal,
      onClosed: (watcher) => {
        this.#watchers = this.#watchers.filter((other) => other !== watcher);
      },
    });
    if (!watcher.closed) this.#watchers.push(watcher);
    return watcher;
  }
}
