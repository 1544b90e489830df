import { Queue } from "../_util/queue.ts";

/** The work for one incoming message; a promise keeps its slot until it settles. */
export type Task = () => void | Promise<void>;

/** A task that waits for a slot, or for the tasks of its key. */
interface Waiting {
  readonly key: unknown;
  readonly task: Task;
}

/**
 * Runs the tasks of incoming requests beside each other, up to a limit, and
 * those of one key one after the other. Tasks must not throw or reject. The
 * number of tasks that wait is not bounded here: their session counts bytes.
 */
export class Dispatcher {
  readonly #maxRunning: number;
  #running = 0;
  #waiting = 0;
  #ended = false;
  #filling = false;
  readonly #ready = new Queue<Waiting>();
  /** The tasks that wait for a task of the same key. */
  readonly #lanes = new Map<unknown, Queue<Waiting>>();
  #idle: PromiseWithResolvers<void> | undefined;

  /** @param maxRunning The maximum number of tasks that run at once. */
  constructor(maxRunning: number) {
    this.#maxRunning = maxRunning;
  }

  /** How many tasks run or wait. */
  get size(): number {
    return this.#running + this.#waiting;
  }

  /** Runs a task now, or when its turn comes. */
  run(key: unknown, task: Task): void {
    if (this.#ended) return;
    const lane = key === undefined ? undefined : this.#lanes.get(key);
    if (lane) {
      this.#waiting++;
      lane.push({ key, task });
      return;
    }
    if (key !== undefined) this.#lanes.set(key, new Queue());
    if (this.#running < this.#maxRunning) {
      this.#start({ key, task });
    } else {
      this.#waiting++;
      this.#ready.push({ key, task });
    }
  }

  /** Resolves when no task runs or waits, or `end()` has been called. */
  idle(): Promise<void> {
    if (this.size === 0 || this.#ended) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  /** Begins no more tasks; the running ones go on. */
  end(): void {
    this.#ended = true;
    this.#idle?.resolve();
  }

  #start(waiting: Waiting): void {
    this.#running++;
    const done = waiting.task();
    if (done) done.then(() => this.#finish(waiting.key));
    else this.#finish(waiting.key);
  }

  #finish(key: unknown): void {
    this.#running--;
    if (this.#ended) return;
    if (key !== undefined) {
      const next = this.#lanes.get(key)?.shift();
      if (next) this.#ready.push(next);
      else this.#lanes.delete(key);
    }
    this.#fill();
    if (this.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #fill(): void {
    if (this.#filling) return; // A task has finished at once: the loop goes on.
    this.#filling = true;
    while (this.#running < this.#maxRunning) {
      const next = this.#ready.shift();
      if (next === undefined) break;
      this.#waiting--;
      this.#start(next);
    }
    this.#filling = false;
  }
}
