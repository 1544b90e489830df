import { type NextOptions, Queue } from "../_util/queue.ts";
import { handled } from "../_util/abortable.ts";
import type { ByteBudget } from "../byte_budget.ts";

/** The messages of one session that are received and not taken. */
export class MessageQueue<T> {
  readonly #messages = new Queue<T>();
  /** How many bytes each of the messages had. */
  readonly #sizes: number[] = [];
  #budget: ByteBudget | undefined;
  #taken = false;
  #rest: PromiseWithResolvers<void> | undefined;

  get length(): number {
    return this.#messages.length;
  }

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

  push(message: T, bytes: number): void {
    const { length } = this.#messages;
    this.#messages.push(message);
    if (this.#messages.length === length) {
      this.#taken = true;
      return;
    }
    this.#sizes.push(bytes);
    this.#budget?.take(bytes);
  }

  next(options: NextOptions): Promise<IteratorResult<T>> {
    const { length } = this.#messages;
    const next = this.#messages.next(options);
    if (this.#messages.length < length) {
      this.#taken = true;
      this.#budget?.release(this.#sizes.shift() ?? 0);
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

  get #atRest(): boolean {
    return this.length === 0 && (this.#messages.waiting > 0 || !this.#taken);
  }
}
