import type { OpenCallOptions, PendingCall } from "../pending_call.ts";

/** By how much progress extends a deadline at the most. */
const MAX_EXTENSION = 10;

/** A call that has no reply. */
export class Call<Reply, Id> implements PendingCall<Reply, Id> {
  readonly id: Id;
  readonly method: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #timeout: number = Infinity;
  /** When the call times out, on the clock of `performance.now()`. */
  deadline = Infinity;
  sent = true;
  abandoned = false;
  readonly #opened: number = 0;
  readonly #lastDeadline: number = Infinity;
  readonly #resolvers = Promise.withResolvers<Reply>();

  constructor(id: Id, options: OpenCallOptions<Id>) {
    const { method, signal, timeout, totalTimeout } = options;
    this.id = id;
    this.method = method;
    this.signal = signal;
    if (timeout !== undefined || totalTimeout !== undefined) {
      this.#timeout = timeout ?? Infinity;
      this.#opened = performance.now();
      const total = totalTimeout ?? MAX_EXTENSION * this.#timeout;
      this.#lastDeadline = this.#opened + total;
      this.deadline = this.#nextDeadline(this.#opened);
    }
  }

  get promise(): Promise<Reply> {
    return this.#resolvers.promise;
  }

  /** From opening the call to its deadline, in milliseconds. */
  get time(): number {
    return Math.round(this.deadline - this.#opened);
  }

  extend(): void {
    if (this.deadline < Infinity) {
      this.deadline = this.#nextDeadline(performance.now());
    }
  }

  resolve(reply: Reply): void {
    this.#resolvers.resolve(reply);
  }

  reject(error: unknown): void {
    this.promise.catch(() => {});
    this.#resolvers.reject(error);
  }

  #nextDeadline(now: number): number {
    return Math.min(now + this.#timeout, this.#lastDeadline);
  }
}
