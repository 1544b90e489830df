import { handled } from "../_util/abortable.ts";
import type { OpenCallOptions, PendingCall } from "../pending_call.ts";

/** By how much progress extends a deadline at the most. */
const MAX_EXTENSION = 10;

/** A call that has no reply. */
export class Call<Reply, Id> implements PendingCall<Reply, Id> {
  readonly id: Id;
  readonly method: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeout: number | undefined;
  /** When the call times out, on the clock of `performance.now()`. */
  deadline = Infinity;
  sent = true;
  abandoned = false;
  readonly #lastDeadline: number = Infinity;
  readonly #resolvers = handled<Reply>();

  constructor(id: Id, options: OpenCallOptions<Id>) {
    const { method, signal, timeout, totalTimeout } = options;
    this.id = id;
    this.method = method;
    this.signal = signal;
    this.timeout = timeout;
    if (timeout !== undefined) {
      this.deadline = performance.now() + timeout;
      const total = totalTimeout ?? MAX_EXTENSION * timeout;
      this.#lastDeadline = this.deadline - timeout + total;
    }
  }

  get promise(): Promise<Reply> {
    return this.#resolvers.promise;
  }

  extend(): void {
    if (this.timeout === undefined) return;
    const deadline = performance.now() + this.timeout;
    this.deadline = Math.min(deadline, this.#lastDeadline);
  }

  resolve(reply: Reply): void {
    this.#resolvers.resolve(reply);
  }

  reject(error: unknown): void {
    this.#resolvers.reject(error);
  }
}
