import { formatAddress } from "../address.ts";
import { delay } from "../_deps.ts";
import { isPassing, osError } from "./os_error.ts";
import type {
  Address,
  Connection,
  Listener,
  WaitOptions,
} from "../transport.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** How long an iteration waits when the system is short of something. */
const PAUSE_MS = 100;

/** The source of a listener's connections. */
export interface ConnectionSource<A extends Address = Address> {
  /** Gives the next connection; not called again before it has settled. */
  accept(): Promise<Connection<A>>;
  /** Stops listening; an `accept()` that waits settles. */
  close(): void | Promise<void>;
}

type Waiter<A extends Address> = PromiseWithResolvers<Connection<A>>;

/**
 * Hands out connections in the order in which `accept()` was called.
 *
 * An accept of the operating system cannot be taken back. So there is one at
 * most, and its connection goes to the first `accept()` that waits by then, or to
 * the next one. A passing error (no file descriptors are left) rejects one
 * `accept()` and leaves the listener in use; an iteration goes on by itself.
 */
export class SocketListener<A extends Address = Address>
  implements Listener<A> {
  readonly address: A;
  readonly #source: ConnectionSource<A>;
  readonly #waiters = new Set<Waiter<A>>();
  #spare: Connection<A> | undefined;
  #accepting: Promise<void> | undefined;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(source: ConnectionSource<A>, address: A) {
    this.#source = source;
    this.address = address;
  }

  accept(options: WaitOptions = {}): Promise<Connection<A>> {
    const accepted = this.#accept(options);
    // The caller may look at it after the listener is closed.
    accepted.catch(() => {});
    return accepted;
  }

  async #accept({ signal }: WaitOptions): Promise<Connection<A>> {
    signal?.throwIfAborted();
    if (this.#closing) throw this.#closedError();
    if (this.#spare) {
      const connection = this.#spare;
      this.#spare = undefined;
      return connection;
    }
    const waiter = Promise.withResolvers<Connection<A>>();
    const abort = () => {
      this.#waiters.delete(waiter);
      waiter.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort);
    this.#waiters.add(waiter);
    this.#accepting ??= this.#acceptAll();
    try {
      return await waiter.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Connection<A>> {
    while (!this.#closing) {
      let connection: Connection<A>;
      try {
        connection = await this.accept();
      } catch (error) {
        if (this.#closing) return;
        if (!isPassing(error)) throw error;
        await delay(PAUSE_MS, { signal: this.#closed.signal }).catch(() => {});
        continue;
      }
      yield connection;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acceptAll(): Promise<void> {
    while (this.#waiters.size > 0) {
      try {
        const connection = await this.#source.accept();
        const waiter = this.#nextWaiter();
        if (waiter) waiter.resolve(connection);
        else this.#spare = connection;
      } catch (error) {
        const action = `Accept at ${formatAddress(this.address)}`;
        this.#nextWaiter()?.reject(osError(action, error));
      }
    }
    this.#accepting = undefined;
  }

  #nextWaiter(): Waiter<A> | undefined {
    const [waiter] = this.#waiters;
    if (waiter) this.#waiters.delete(waiter);
    return waiter;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    for (const waiter of this.#waiters) waiter.reject(this.#closedError());
    this.#waiters.clear();
    try {
      await this.#source.close();
    } finally {
      await this.#accepting;
      this.#spare?.abort();
    }
  }

  #closedError(): Error {
    return new systemErrors.BadResource(
      `Accept at ${formatAddress(this.address)}: the listener is closed`,
    );
  }
}
