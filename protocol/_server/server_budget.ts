import type {
  SessionBudget,
  SharedBudget,
} from "../_session/session_budget.ts";
import { QueueLimitError } from "../errors.ts";

/** How long the sessions are held before the largest is ended. */
const GRACE_MS = 1_000;

/**
 * The bytes that all sessions of a server hold together. While there are too
 * many, the sessions that hold more than an equal share of the limit read
 * nothing. If there are still too many after a second, the largest session ends.
 */
export class ServerBudget implements SharedBudget {
  readonly #limit: number;
  readonly #sessions = new Set<SessionBudget>();
  #used = 0;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  join(session: SessionBudget): void {
    this.#sessions.add(session);
  }

  leave(session: SessionBudget): void {
    this.#sessions.delete(session);
    this.add(-session.total);
    // The share of the others has grown.
    if (this.#used <= this.#limit) return;
    for (const other of this.#sessions) other.wake();
  }

  add(bytes: number): void {
    const exceeded = this.#used > this.#limit;
    this.#used += bytes;
    if (exceeded === this.#used > this.#limit) return;
    if (exceeded) {
      clearTimeout(this.#grace);
      for (const session of this.#sessions) session.wake();
    } else {
      this.#grace = setTimeout(() => this.#endLargest(), GRACE_MS);
    }
  }

  isOver(session: SessionBudget): boolean {
    return this.#used > this.#limit &&
      session.total * this.#sessions.size > this.#limit;
  }

  #endLargest(): void {
    this.#grace = setTimeout(() => this.#endLargest(), GRACE_MS);
    let largest: SessionBudget | undefined;
    for (const session of this.#sessions) {
      if (!largest || session.total > largest.total) largest = session;
    }
    if (!largest) return;
    largest.evict(
      new QueueLimitError(
        `Session holds ${largest.total} of the ${this.#used} bytes of its server: maxQueuedBytes of the server is ${this.#limit}`,
        this.#limit,
        largest.total,
      ),
    );
  }
}
