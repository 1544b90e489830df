import {
  type Address,
  type Connection,
  type Listener,
  memoryPair,
  type Transport,
  type WaitOptions,
} from "../../transports/mod.ts";
import { Remote } from "./remote.ts";

/** The outcome of an attempt to open a connection. */
export type Opening = "meets" | "refused" | "throws" | "never" | "late";

const address: Address = { transport: "memory", name: "model" };

/** Opens connections in every way that a transport may, and counts what is open. */
export class Openings {
  readonly remotes: Remote[] = [];
  /** The other ends of connections that arrived too late. */
  readonly unwanted: Remote[] = [];
  /** Connections that were handed over and not released. */
  readonly unreleased = new Set<Connection>();
  listening = 0;
  readonly #late: (() => void)[] = [];

  /** A connection, whose other end is the last of the remotes from now on. */
  meet(stalled: boolean, remotes = this.remotes): Connection {
    const [inner, far] = memoryPair({ highWaterMark: 64 });
    const remote = new Remote(far, 1_000 * (remotes.length + 1));
    if (!stalled) remote.read();
    remotes.push(remote);
    const { unreleased } = this;
    const near: Connection = {
      get readable() {
        return inner.readable;
      },
      get writable() {
        return inner.writable;
      },
      read: (into) => inner.read(into),
      write: (bytes) => inner.write(bytes),
      closeWrite: () => inner.closeWrite(),
      closed: inner.closed,
      localAddress: address,
      remoteAddress: address,
      async close() {
        await inner.close();
        unreleased.delete(near);
      },
      abort(reason) {
        inner.abort(reason);
        unreleased.delete(near);
      },
      [Symbol.asyncDispose]: () => near.close(),
    };
    unreleased.add(near);
    return near;
  }

  transport(opening: Opening, stalled: boolean): Transport {
    return {
      connect: (options) => this.#open(opening, stalled, options),
      listen: () => {
        this.listening++;
        const close = () => void this.listening--;
        return Promise.resolve(this.listener(opening, stalled, close));
      },
      toString: () => "memory:model",
    };
  }

  listener(opening: Opening, stalled: boolean, close = () => {}): Listener {
    const closing = () => Promise.resolve(close());
    return {
      address,
      accept: (options) => this.#open(opening, stalled, options),
      close: closing,
      [Symbol.asyncIterator]: () => {
        throw new Error("Iteration is not expected");
      },
      [Symbol.asyncDispose]: closing,
    };
  }

  /** Delivers the connections that have ignored their signals. */
  deliver(): void {
    for (const deliver of this.#late.splice(0)) deliver();
  }

  #open(
    opening: Opening,
    stalled: boolean,
    { signal }: WaitOptions = {},
  ): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    switch (opening) {
      case "throws":
        throw new TypeError("cannot open");
      case "refused":
        reject(new Deno.errors.ConnectionRefused("refused"));
        break;
      case "meets":
        if (signal?.aborted) reject(signal.reason);
        else resolve(this.meet(stalled));
        break;
      case "late":
        this.#late.push(() => {
          const remotes = signal?.aborted ? this.unwanted : this.remotes;
          resolve(this.meet(stalled, remotes));
        });
        break;
      case "never":
        signal?.addEventListener("abort", () => reject(signal.reason));
        if (signal?.aborted) reject(signal.reason);
    }
    return promise;
  }
}
