import type { Relay, RelayOptions, RelayStats } from "../relay_options.ts";
import type { Address, Connection, Listener, Transport } from "../transport.ts";
import { pump } from "./pump.ts";

/** A relay, from its listener to the end of its last pair of connections. */
export class ListeningRelay<A extends Address> implements Relay<A> {
  readonly address: A;
  readonly closed: Promise<void>;
  readonly #listener: Listener<A>;
  readonly #to: Transport;
  readonly #onError: RelayOptions["onError"];
  readonly #stopping = new AbortController();
  readonly #open = new Set<Promise<void>>();
  readonly #stats = {
    accepted: 0,
    failed: 0,
    bytesForward: 0,
    bytesBack: 0,
  };

  constructor(listener: Listener<A>, to: Transport, options: RelayOptions) {
    this.address = listener.address;
    this.#listener = listener;
    this.#to = to;
    this.#onError = options.onError;
    const { signal } = options;
    const stop = () => void this.close();
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    this.closed = this.#run()
      .finally(() => signal?.removeEventListener("abort", stop));
    this.closed.catch(() => {});
  }

  get stats(): RelayStats {
    return { ...this.#stats, open: this.#open.size };
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#listener.close();
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    for await (const near of this.#listener) {
      this.#stats.accepted++;
      const pair = this.#relay(near).finally(() => this.#open.delete(pair));
      this.#open.add(pair);
    }
    await Promise.all(this.#open);
  }

  /** Joins a connection with one that is dialled for it; never rejects. */
  async #relay(near: Connection): Promise<void> {
    const { signal } = this.#stopping;
    let far: Connection | undefined;
    const abort = () => {
      near.abort(signal.reason);
      far?.abort(signal.reason);
    };
    signal.addEventListener("abort", abort);
    try {
      far = await this.#to.connect({ signal });
      await Promise.all([
        pump(near, far, (bytes) => this.#stats.bytesForward += bytes),
        pump(far, near, (bytes) => this.#stats.bytesBack += bytes),
      ]);
      await Promise.all([near.close(), far.close()]);
    } catch (error) {
      // A cut on one side is a cut on the other, and never an orderly end.
      near.abort(error);
      far?.abort(error);
      if (!signal.aborted) this.#fail(error);
    } finally {
      signal.removeEventListener("abort", abort);
      await Promise.allSettled([near.closed, far?.closed]);
    }
  }

  #fail(error: unknown): void {
    this.#stats.failed++;
    // An error of the callback belongs to its author.
    if (this.#onError) queueMicrotask(() => this.#onError?.(error));
  }
}
