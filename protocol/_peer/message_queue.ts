import { type NextOptions, Queue } from "../_util/queue.ts";
import { handled } from "../_util/abortable.ts";
import type { ByteBudget } from "../byte_budget.ts";

/** How many messages are kept at most. */
const MAX_MESSAGES = 64;

/** The messages of one session that are received and not taken. */
export class MessageQueue<T> {
  readonly #messages = new Queue<T>();
  /** How many bytes each of the messages had. */
  readonly #sizes: number[] = [];
  #budget: ByteBudget | undefined;
  #taken = false;
  #rest: PromiseWithResolvers<void> | undefined;

  get closed(): boolean {
    return this.#messages.closed;
  }

  /** Counts the messages in the budget of their session, which has begun. */
  begin(budget: ByteBudget): void {
    this.#budget = budget;
  }

  /** Ends the queue after what was pushed, with an error if one is given. */
  close(end: { error?: unknown } = {}): void {
    this.#messages.close(end);
    this.#rest?.resolve();
  }

  /** Appends a message; a promise is returned if there is no room for another. */
  push(message: T, bytes: number): void | Promise<void> {
    const messages = this.#messages;
    const budget = this.#budget;
    const { length } = messages;
    messages.push(message);
    if (messages.length === length) {
      this.#taken = true;
      return;
    }
    this.#sizes.push(bytes);
    budget?.take(bytes);
    if (budget && messages.length >= MAX_MESSAGES) budget.full = true;
    if (budget?.exceeded) return budget.room();
  }

  next(options: NextOptions): Promise<IteratorResult<T>> {
    const { length } = this.#messages;
    const next = this.#messages.next(options);
    if (this.#messages.length < length) {
      this.#taken = true;
      this.#release(this.#sizes.shift() ?? 0);
    } else if (this.#atRest) this.#rest?.resolve();
    return next;
  }

  /** Ends the waits of an iterator: they take no message. */
  withdraw(owner: object): void {
    this.#messages.withdraw(owner);
  }

  /**
   * Resolves when no message is left, and what was taken is done with: the next
   * message is waited for.
   */
  rest(): Promise<void> {
    if (this.#atRest || this.closed) return Promise.resolve();
    this.#rest ??= handled();
    return this.#rest.promise;
  }

  #release(bytes: number): void {
    const budget = this.#budget;
    if (!budget) return;
    budget.release(bytes);
    // The reader goes on for half of the messages at once: each time that it is
    // held costs a promise.
    if (budget.full && this.#messages.length <= MAX_MESSAGES / 2) {
      budget.full = false;
    }
  }

  get #atRest(): boolean {
    return this.#messages.length === 0 &&
      (this.#messages.waiting > 0 || !this.#taken);
  }
}
