import { Queue } from "../_util/queue.ts";

/** What runs for one incoming message; a promise keeps its slot until it settles. */
export type Task = () => void | Promise<void>;

/** In which order tasks run: one by one, at most so many at once. */
export interface DispatcherLimits {
  /** How many tasks run at once at the most. */
  readonly maxRunning: number;
  /** How many more wait at the most before {@linkcode Dispatcher.full}. */
  readonly maxWaiting: number;
}

/** A task that waits for a slot, or for the tasks of its key. */
interface Waiting {
  readonly key: unknown;
  readonly task: Task;
}

/**
 * Runs the tasks of incoming requests beside each other, up to a limit, and
 * those of one key one after the other. Tasks must not throw or reject.
 */
export class Dispatcher {
  readonly #limits: DispatcherLimits;
  #running = 0;
  #waiting = 0;
  readonly #ready = new Queue<Waiting>();
  /** The tasks that wait for a task of the same key. */
  readonly #lanes = new Map<unknown, Waiting[]>();
  #room: PromiseWithResolvers<void> | undefined;

  constructor(limits: DispatcherLimits) {
    this.#limits = limits;
  }

  /** Whether as many tasks wait as may. */
  get full(): boolean {
    return this.#waiting >= this.#limits.maxWaiting;
  }

  /** How many tasks run or wait. */
  get size(): number {
    return this.#running + this.#waiting;
  }

  /** Runs a task now, or when its turn comes. */
  run(key: unknown, task: Task): void {
    const lane = key === undefined ? undefined : this.#lanes.get(key);
    if (lane) {
      this.#waiting++;
      lane.push({ key, task });
      return;
    }
    if (key !== undefined) this.#lanes.set(key, []);
    if (this.#running < this.#limits.maxRunning) {
      this.#start({ key, task });
    } else {
      this.#waiting++;
      this.#ready.push({ key, task });
    }
  }

  /** Resolves when fewer tasks wait, or at the next call of `release()`. */
  room(): Promise<void> {
    if (!this.full) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Lets go of who waits for room, though there may be none. */
  release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #start(waiting: Waiting): void {
    this.#running++;
    const done = waiting.task();
    if (done) done.then(() => this.#finish(waiting.key));
    else this.#finish(waiting.key);
  }

  #finish(key: unknown): void {
    this.#running--;
    if (key !== undefined) {
      const next = this.#lanes.get(key)?.shift();
      if (next) this.#ready.push(next);
      else this.#lanes.delete(key);
    }
    while (this.#running < this.#limits.maxRunning) {
      const next = this.#ready.shift();
      if (next === undefined) break;
      this.#waiting--;
      this.#start(next);
    }
    if (!this.full) this.release();
  }
}
