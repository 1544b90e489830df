import { Queue } from "../_util/queue.ts";
import type { ByteBudget } from "../byte_budget.ts";

/** The messages of one session that are received and not taken. */
export class MessageQueue<T> {
  readonly #messages = new Queue<T>();
  /** How many bytes each of the messages had. */
  readonly #sizes: number[] = [];
  #budget: ByteBudget | undefined;

  get length(): number {
    return this.#sizes.length;
  }

  get closed(): boolean {
    return this.#messages.closed;
  }

  /** Counts the messages in the budget of their session, which has begun. */
  begin(budget: ByteBudget): void {
    this.#budget = budget;
  }

  /** Ends the queue after what was pushed, with an error if one is given. */
  close(end: { error?: unknown }): void {
    this.#messages.close(end);
  }

  push(message: T, bytes: number): void {
    const { length } = this.#messages;
    this.#messages.push(message);
    if (this.#messages.length === length) return;
    this.#sizes.push(bytes);
    this.#budget?.take(bytes);
  }

  next(): Promise<IteratorResult<T>> {
    const bytes = this.#sizes.shift();
    const next = this.#messages.next();
    if (bytes !== undefined) this.#budget?.release(bytes);
    return next;
  }
}
