import { Pipe } from "./_memory/pipe.ts";
import { checkHighWaterMark, checkName } from "./_util/validate.ts";
import { formatAddress } from "./address.ts";
import type { Address, Connection, DirectIO } from "./transport.ts";

/** Options of {@linkcode memory} and {@linkcode memoryPair}. */
export interface MemoryOptions {
  /**
   * The name in the address, `memory:name`. It is a label for errors and logs:
   * two transports of one name have nothing to do with each other.
   *
   * @default {"anonymous"}
   */
  name?: string;
  /**
   * The number of bytes that each direction of a connection buffers; a writer
   * waits while it is full.
   *
   * @default {65536}
   */
  highWaterMark?: number;
}

/**
 * Two ends of one connection within this process, joined by bounded buffers.
 * What one end writes the other reads.
 *
 * After `close()` the peer reads what was written before to its end, and its
 * own writes fail with `Deno.errors.BrokenPipe`. After `abort()` its reads and
 * writes fail with `Deno.errors.ConnectionReset`.
 *
 * @throws {TypeError} `name` is no text, or empty.
 * @throws {RangeError} `highWaterMark` is no positive integer.
 *
 * @example Writing at one end, reading at the other
 * ```ts
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * const writer = near.writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await near.close();
 * assertEquals(await new Response(far.readable).text(), "hello");
 * await far.close();
 * ```
 */
export function memoryPair(
  options?: MemoryOptions,
): [Connection, Connection] {
  const { name, highWaterMark } = withDefaults(options);
  const address: Address = { transport: "memory", name };
  const there = new Pipe(formatAddress(address), highWaterMark);
  const back = new Pipe(formatAddress(address), highWaterMark);
  return [
    new MemoryConnection(address, back, there),
    new MemoryConnection(address, there, back),
  ];
}

/** The options, whole and checked. */
export function withDefaults(
  { name = "anonymous", highWaterMark = 64 * 1024 }: MemoryOptions = {},
): Required<MemoryOptions> {
  checkName(name);
  checkHighWaterMark(highWaterMark);
  return { name, highWaterMark };
}

class MemoryConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #closing?: Promise<void>;
  #released = false;

  constructor(address: Address, incoming: Pipe, outgoing: Pipe) {
    this.localAddress = this.remoteAddress = address;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#incoming.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#outgoing.writable;
  }

  get direct(): DirectIO {
    const incoming = this.#incoming;
    const outgoing = this.#outgoing;
    return {
      read: (into) => incoming.read(into),
      write: (bytes) => outgoing.write(bytes),
      end: () => outgoing.end(),
    };
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    // First, so that a peer who waits for us to read comes to reading from us.
    this.#incoming.stop();
    await this.#outgoing.finish();
    this.#released = true;
  }

  abort(reason: unknown = new DOMException("Aborted", "AbortError")): void {
    if (this.#released) return;
    this.#released = true;
    this.#incoming.refuse(reason);
    this.#outgoing.reset(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
