import { Pipe } from "../../transports/_memory/pipe.ts";
import {
  type Address,
  type Connection,
  formatAddress,
} from "../../transports/mod.ts";
import type { FaultSchedule } from "./schedule.ts";
import { relay } from "./relay.ts";

/** The faults of both directions, and the seed to show. */
export interface InjectedFaults {
  readonly read: FaultSchedule;
  readonly write: FaultSchedule;
  readonly seed: number;
}

/**
 * Stands between its user and a real connection, and passes on what goes either
 * way, with faults.
 */
export class FaultyConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly #real: Connection;
  readonly #name: string;
  // Without buffers: what a fault has split stays split.
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #ended = new AbortController();
  readonly #received: Promise<void>;
  readonly #sent: Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(real: Connection, { read, write, seed }: InjectedFaults) {
    this.#real = real;
    this.localAddress = real.localAddress;
    this.remoteAddress = real.remoteAddress;
    const address = formatAddress(real.remoteAddress);
    this.#name = `${address} with faults from seed ${seed}`;
    this.#incoming = new Pipe(this.#name, 0);
    this.#outgoing = new Pipe(this.#name, 0);
    const link = {
      ended: this.#ended.signal,
      truncate: () => this.#truncate(),
      reset: (where: string) => this.#reset(where),
    };
    const reader = real.readable.getReader({ mode: "byob" });
    const writer = real.writable.getWriter();
    this.#received = relay(read, link, {
      reader,
      writer: this.#incoming.writable.getWriter(),
      readFailed: (error) => this.#incoming.refuse(error),
      writeFailed: (error) => void reader.cancel(error).catch(() => {}),
    });
    this.#sent = relay(write, link, {
      reader: this.#outgoing.readable.getReader({ mode: "byob" }),
      writer,
      readFailed: (error) => void writer.abort(error).catch(() => {}),
      writeFailed: (error) => this.#outgoing.reset(error),
    });
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#incoming.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#outgoing.writable;
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  abort(reason: unknown = new DOMException("Aborted", "AbortError")): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#incoming.refuse(reason);
    this.#outgoing.reset(reason);
    this.#real.abort(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#incoming.stop();
    await this.#outgoing.finish();
    await this.#sent;
    await this.#real.close();
    this.#ended.abort();
    await this.#received;
  }

  async #truncate(): Promise<void> {
    this.#outgoing.stop();
    await Promise.all([this.#incoming.finish(), this.#real.close()]);
  }

  #reset(where: string): void {
    this.abort(
      new Deno.errors.ConnectionReset(
        `Connection to ${this.#name}: reset by a fault after ${where}`,
      ),
    );
  }
}
