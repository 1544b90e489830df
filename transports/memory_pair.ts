import { ChannelConnection } from "./_channel/connection.ts";
import { MemoryChannel } from "./_memory/memory_channel.ts";
import { Pipe } from "./_memory/pipe.ts";
import { checkHighWaterMark, checkName } from "./_util/validate.ts";
import { formatAddress } from "./address.ts";
import type { Connection, MemoryAddress } from "./transport.ts";

/** Options of {@linkcode memory} and {@linkcode memoryPair}. */
export interface MemoryOptions {
  /**
   * The name in the address, `memory:name`. It is a label for errors and logs:
   * two transports of one name are independent of each other.
   *
   * @default {"anonymous"}
   */
  name?: string | undefined;
  /**
   * The number of bytes that each direction of a connection buffers; a writer
   * waits while it is full.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
}

/**
 * Makes the two ends of a connection within this process, with a bounded buffer
 * each way. The bytes that one end writes are read at the other.
 *
 * After `close()` the peer reads all that was written before, and its own writes
 * fail with `Deno.errors.BrokenPipe`. After `abort()` its reads and writes fail
 * with `Deno.errors.ConnectionReset`. Outside of Deno, they are errors of the same
 * names.
 *
 * @throws {TypeError} An option has the wrong type, or `name` is empty.
 * @throws {RangeError} `highWaterMark` is not a positive integer.
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
): [Connection<MemoryAddress>, Connection<MemoryAddress>] {
  const { name, highWaterMark } = withDefaults(options);
  const address: MemoryAddress = { transport: "memory", name };
  const there = new Pipe(highWaterMark);
  const back = new Pipe(highWaterMark);
  return [
    memoryConnection(address, back, there),
    memoryConnection(address, there, back),
  ];
}

/** The options with nothing left open. */
export interface WholeMemoryOptions {
  readonly name: string;
  readonly highWaterMark: number;
}

/** Checks the options, and fills in their defaults. */
export function withDefaults(
  { name = "anonymous", highWaterMark = 64 * 1024 }: MemoryOptions = {},
): WholeMemoryOptions {
  checkName(name);
  checkHighWaterMark(highWaterMark);
  return { name, highWaterMark };
}

function memoryConnection(
  address: MemoryAddress,
  incoming: Pipe,
  outgoing: Pipe,
): Connection<MemoryAddress> {
  return new ChannelConnection(
    new MemoryChannel(incoming, outgoing, formatAddress(address)),
    { localAddress: address, remoteAddress: address },
  );
}
