import type { OpenCallOptions, PendingCall } from "../pending_call.ts";
import { Deadline } from "./deadline.ts";

/** A call that has no reply. */
export class Call<Reply, Id> implements PendingCall<Reply, Id> {
  readonly id: Id;
  readonly method: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly deadline: Deadline | undefined;
  sent = true;
  abandoned = false;
  readonly #resolvers = Promise.withResolvers<Reply>();

  constructor(id: Id, options: OpenCallOptions<Id>) {
    const { method, signal, timeout, totalTimeout } = options;
    this.id = id;
    this.method = method;
    this.signal = signal;
    const isTimed = timeout !== undefined || totalTimeout !== undefined;
    this.deadline = isTimed ? new Deadline(timeout, totalTimeout) : undefined;
  }

  get promise(): Promise<Reply> {
    return this.#resolvers.promise;
  }

  resolve(reply: Reply): void {
    this.#resolvers.resolve(reply);
  }

  reject(error: unknown): void {
    this.promise.catch(() => {});
    this.#resolvers.reject(error);
  }
}
