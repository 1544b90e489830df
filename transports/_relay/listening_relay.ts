import type { Relay, RelayOptions, RelayStats } from "../relay_options.ts";
import type { Address, Connection, Listener, Transport } from "../transport.ts";
import { startTimer } from "../_util/start_timer.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { pump } from "./pump.ts";

/** A relay, from its listener to the end of its last pair of connections. */
export class ListeningRelay<A extends Address> implements Relay<A> {
  readonly address: A;
  readonly closed: Promise<void>;
  readonly #listener: Listener<A>;
  readonly #to: Transport;
  readonly #connectTimeout: number;
  readonly #onError: RelayOptions["onError"];
  readonly #stopping = new AbortController();
  /** Rejects if the listener cannot be closed. */
  readonly #closing = Promise.withResolvers<never>();
  readonly #open = new Set<Promise<void>>();
  readonly #stats = {
    accepted: 0,
    failed: 0,
    bytesForward: 0,
    bytesBack: 0,
  };

  constructor(
    listener: Listener<A>,
    to: Transport,
    options: RelayOptions & { connectTimeout: number },
  ) {
    this.address = listener.address;
    this.#listener = listener;
    this.#to = to;
    this.#connectTimeout = options.connectTimeout;
    this.#onError = options.onError;
    this.closed = this.#run();
    this.closed.catch(() => {});
    const { signal } = options;
    const stop = () => void this.close().catch(() => {});
    const release = () => signal?.removeEventListener("abort", stop);
    signal?.addEventListener("abort", stop);
    this.closed.then(release, release);
    if (signal?.aborted) stop();
  }

  get stats(): RelayStats {
    return { ...this.#stats, open: this.#open.size };
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#listener.close().catch(this.#closing.reject);
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    try {
      await Promise.race([this.#listen(), this.#closing.promise]);
    } catch (error) {
      // The relay has failed: `closed` must not wait for pairs that stay open.
      this.#stopping.abort(error);
      await this.#listener.close().catch(() => {});
      throw error;
    } finally {
      await Promise.allSettled(this.#open);
    }
    await this.#listener.close();
  }

  async #listen(): Promise<void> {
    for await (const near of this.#listener) {
      this.#stats.accepted++;
      const pair = this.#relay(near).finally(() => this.#open.delete(pair));
      this.#open.add(pair);
    }
  }

  /** Joins a connection with one that is dialled for it; never rejects. */
  async #relay(near: Connection): Promise<void> {
    const { signal } = this.#stopping;
    const dialling = new AbortController();
    const dialled = this.#dial(dialling);
    const cut = (reason: unknown) => {
      near.abort(reason);
      dialling.abort(reason);
      return dialled.then((far) => far.abort(reason), () => {});
    };
    const stop = () => void cut(signal.reason);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      await Promise.all([
        pump(near, dialled, (bytes) => this.#stats.bytesForward += bytes),
        dialled.then((far) =>
          pump(far, near, (bytes) => this.#stats.bytesBack += bytes)
        ),
      ]);
      await Promise.all([near.close(), (await dialled).close()]);
    } catch (error) {
      // A cut on one side is a cut on the other, and never an orderly end.
      await cut(error);
      if (!signal.aborted) this.#fail(error);
    } finally {
      signal.removeEventListener("abort", stop);
      await Promise.allSettled([
        near.closed,
        dialled.then((far) => far.closed),
      ]);
    }
  }

  async #dial(dialling: AbortController): Promise<Connection> {
    const timeout = this.#connectTimeout;
    const late = () =>
      dialling.abort(
        new systemErrors.TimedOut(
          `Relay to ${this.#to}: the dial was not done within ${timeout} ms`,
        ),
      );
    const timer = startTimer(late, timeout);
    try {
      return await this.#to.connect({ signal: dialling.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(error: unknown): void {
    this.#stats.failed++;
    // An error of the callback belongs to its author.
    if (this.#onError) queueMicrotask(() => this.#onError?.(error));
  }
}
