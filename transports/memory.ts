import { systemErrors } from "./_util/system_errors.ts";
import { formatAddress } from "./address.ts";
import {
  type MemoryOptions,
  memoryPair,
  type WholeMemoryOptions,
  withDefaults,
} from "./memory_pair.ts";
import type {
  Connection,
  Listener,
  MemoryAddress,
  Transport,
  WaitOptions,
} from "./transport.ts";

/**
 * A transport within this process: `connect()` meets `listen()` of the same
 * object. It needs no permission.
 *
 * Without a listener, `connect()` rejects with `Deno.errors.ConnectionRefused`; a
 * second `listen()` rejects with `Deno.errors.AddrInUse`. Outside of Deno, they are
 * errors of the same names.
 *
 * @throws {TypeError} An option has the wrong type, or `name` is empty.
 * @throws {RangeError} `highWaterMark` is not a positive integer.
 *
 * @example A listener and a connection
 * ```ts
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = memory({ name: "demo" });
 * await using listener = await transport.listen();
 * await using near = await transport.connect();
 * await using far = await listener.accept();
 * await near.writable.getWriter().write(new Uint8Array([1, 2, 3]));
 * const { value } = await far.readable.getReader().read();
 * assertEquals(value, new Uint8Array([1, 2, 3]));
 * assertEquals(`${transport}`, "memory:demo");
 * ```
 */
export function memory(options?: MemoryOptions): Transport<MemoryAddress> {
  return new MemoryTransport(withDefaults(options));
}

class MemoryTransport implements Transport<MemoryAddress> {
  readonly #options: WholeMemoryOptions;
  readonly #address: MemoryAddress;
  #listener: MemoryListener | undefined;

  constructor(options: WholeMemoryOptions) {
    this.#options = options;
    this.#address = { transport: "memory", name: options.name };
  }

  async connect(
    { signal }: WaitOptions = {},
  ): Promise<Connection<MemoryAddress>> {
    // As on a network, an attempt takes a moment, and can be aborted.
    await null;
    signal?.throwIfAborted();
    if (!this.#listener) {
      throw new systemErrors.ConnectionRefused(
        `Connect to ${this}: nobody listens`,
      );
    }
    const [near, far] = memoryPair(this.#options);
    this.#listener.arrive(far);
    return near;
  }

  async listen({ signal }: WaitOptions = {}): Promise<Listener<MemoryAddress>> {
    await null;
    signal?.throwIfAborted();
    if (this.#listener) {
      throw new systemErrors.AddrInUse(
        `Listen at ${this}: the address is in use`,
      );
    }
    const unbind = () => this.#listener = undefined;
    return this.#listener = new MemoryListener(this.#address, unbind);
  }

  toString(): string {
    return formatAddress(this.#address);
  }
}

class MemoryListener implements Listener<MemoryAddress> {
  readonly address: MemoryAddress;
  readonly #unbind: () => void;
  readonly #backlog: Connection<MemoryAddress>[] = [];
  /** The accepts that wait; they get nothing when the listener closes. */
  readonly #waiting = new Set<
    PromiseWithResolvers<Connection<MemoryAddress> | undefined>
  >();
  #closed = false;

  constructor(address: MemoryAddress, unbind: () => void) {
    this.address = address;
    this.#unbind = unbind;
  }

  /** Takes a connection in: it goes to the accept that has waited longest. */
  arrive(connection: Connection<MemoryAddress>): void {
    for (const waiter of this.#waiting) {
      this.#waiting.delete(waiter);
      waiter.resolve(connection);
      return;
    }
    this.#backlog.push(connection);
  }

  accept({ signal }: WaitOptions = {}): Promise<Connection<MemoryAddress>> {
    const accepted = this.#accept(signal);
    // The caller may look at it after the listener is closed.
    accepted.catch(() => {});
    return accepted;
  }

  async #accept(
    signal: AbortSignal | undefined,
  ): Promise<Connection<MemoryAddress>> {
    const connection = await this.#next(signal);
    if (connection) return connection;
    throw new systemErrors.BadResource(
      `Accept at ${formatAddress(this.address)}: the listener is closed`,
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<
    Connection<MemoryAddress>,
    void,
    void
  > {
    for (;;) {
      const connection = await this.#next();
      if (!connection) return;
      yield connection;
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#unbind();
      for (const waiter of this.#waiting) waiter.resolve(undefined);
      this.#waiting.clear();
      for (const connection of this.#backlog.splice(0)) connection.abort();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(
    signal?: AbortSignal,
  ): Promise<Connection<MemoryAddress> | undefined> {
    signal?.throwIfAborted();
    if (this.#closed) return undefined;
    const arrived = this.#backlog.shift();
    if (arrived) return arrived;
    const waiter = Promise.withResolvers<
      Connection<MemoryAddress> | undefined
    >();
    const onAbort = () => {
      this.#waiting.delete(waiter);
      waiter.reject(signal?.reason);
    };
    this.#waiting.add(waiter);
    signal?.addEventListener("abort", onAbort);
    try {
      return await waiter.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
