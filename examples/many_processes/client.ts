import { JSONRPCPeer } from "@parley/parley";
import type { ClientMethods, WorkerMethods } from "./worker.ts";

type Params<Method extends keyof WorkerMethods> = Parameters<
  WorkerMethods[Method]
>[0];

/**
 * A client that moves from a process that shuts down to another one, and loses
 * no call. Keep it connected with `reconnecting()`.
 */
export class MovingClient extends JSONRPCPeer<WorkerMethods, ClientMethods> {
  readonly #calls = new Set<Promise<unknown>>();
  #served = false;
  #change = Promise.withResolvers<void>();

  constructor() {
    super({
      methods: {
        ready: () => this.#serve(true),
        leave: async () => {
          this.#serve(false);
          await Promise.allSettled(this.#calls);
        },
      },
    });
  }

  /** Counts primes, as soon as a process serves this client. */
  async countPrimes(
    params: Params<"countPrimes">,
  ): Promise<ReturnType<WorkerMethods["countPrimes"]>> {
    while (!this.#served) await this.#change.promise;
    const call = this.request("countPrimes", params);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#serve(false);
    super.onSessionEnd(cause);
  }

  protected override onLastSessionEnd(cause: unknown): void {
    // Calls that wait fail: nobody will serve them.
    this.#change.promise.catch(() => {});
    this.#change.reject(cause);
  }

  #serve(served: boolean): void {
    this.#served = served;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}
