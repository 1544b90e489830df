import { ChannelConnection } from "./_channel/connection.ts";
import { StreamChannel } from "./_streams/stream_channel.ts";
import type { Address, Connection, StreamPair } from "./transport.ts";

/** Options of {@linkcode fromStreams}. */
export interface FromStreamsOptions {
  /**
   * The address of our end.
   *
   * @default {an address that prints itself as `streams:`}
   */
  localAddress?: Address | undefined;
  /**
   * The address of the peer's end.
   *
   * @default {an address that prints itself as `streams:`}
   */
  remoteAddress?: Address | undefined;
  /**
   * Called when both streams have ended: releases their source, such as a
   * process. `close()` waits for it.
   *
   * @default {undefined}
   */
  close?: (() => void | Promise<void>) | undefined;
  /**
   * Called by `abort()`: releases the source of the streams at once. `closed`
   * waits for it.
   *
   * @default {undefined}
   */
  abort?: ((reason: unknown) => void | Promise<void>) | undefined;
}

const streams: Address = { transport: "streams", toString: () => "streams:" };

/**
 * Makes a connection of any pair of streams: of a child process, a
 * `TransformStream`, a `WebSocketStream`. The pair is the connection's from then
 * on, and is locked.
 *
 * The readable need not be a byte stream; its chunks are bytes (any
 * `BufferSource`), and another chunk fails the reading with a `TypeError`. The
 * writable gets copies, which it may keep. `closeWrite()` closes the writable.
 * `close()` does so too, and cancels the readable; `abort()` aborts the writable
 * and cancels the readable.
 *
 * @throws {TypeError} A stream of the pair is missing or locked.
 *
 * @example A connection that gives back what it is sent
 * ```ts
 * import { fromStreams } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using echo = fromStreams(new TransformStream<Uint8Array, Uint8Array>());
 * const written = echo.write(new Uint8Array([1, 2, 3]));
 * const into = new Uint8Array(8);
 * assertEquals(await echo.read(into), 3);
 * await written;
 * assertEquals(into.subarray(0, 3), new Uint8Array([1, 2, 3]));
 * await echo.closeWrite();
 * assertEquals(await echo.read(into), null);
 * ```
 */
export function fromStreams(
  pair: StreamPair,
  options: FromStreamsOptions = {},
): Connection {
  const { localAddress = streams, remoteAddress = streams } = options;
  return new ChannelConnection(new StreamChannel(pair, options), {
    localAddress,
    remoteAddress,
  });
}
