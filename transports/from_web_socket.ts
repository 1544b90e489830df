import { ChannelConnection } from "./_channel/connection.ts";
import { wrongNumber } from "./_util/validate.ts";
import { NativeChannel } from "./_web_socket/native_channel.ts";
import type { Address, Connection } from "./transport.ts";

/** Options of {@linkcode fromWebSocket}. */
export interface FromWebSocketOptions {
  /**
   * Whether messages keep their bounds, for the codec `webSocketMessages`.
   *
   * @default {false}
   */
  messages?: boolean | undefined;
  /**
   * How many bytes may wait for a reader. A native socket cannot hold its peer:
   * a peer that sends more than this ahead of the reader is cut. With `messages`,
   * the header of each message counts: 2 to 10 bytes.
   *
   * @default {16777216}
   */
  maxQueuedBytes?: number | undefined;
}

/**
 * Makes a connection of a native `WebSocket`: of a browser, or of
 * `Deno.upgradeWebSocket()`. The socket is the connection's from then on. It may
 * still be connecting: then reads, and the first write, wait until it is open.
 * `close()` waits 2 seconds at most for that.
 *
 * `connect()` of a session does not wait, as this function does not either. If the
 * socket does not open, reads and writes reject with an `Error` that says so, whose
 * cause is the platform's error if it tells one. The session has been running by
 * then: `closed` and `disconnect()` reject with this error, and `connect()` does
 * not. For a `connect()` that fails, await the socket's `open` event before it.
 *
 * As bytes, each write is a binary message. A write waits while the socket
 * buffers more than 256 KiB. There is no backpressure to the peer, and no
 * half-close: `closeWrite()` closes the socket, and what the peer sends after it
 * is lost. A native socket cannot be cut either: if the peer does not answer the
 * Close frame, `close()` waits 3 seconds, and Deno keeps the socket open, and the
 * process running, until the peer goes. Use `webSocket()` where sockets of the
 * system can be used.
 *
 * @throws {TypeError} `socket` is not a `WebSocket`, or `maxQueuedBytes` is not a
 * number.
 * @throws {RangeError} `maxQueuedBytes` is not a positive number.
 *
 * @example A server of Deno's, and a client of this module
 * ```ts
 * import { fromWebSocket, webSocket } from "@parley/parley/transports";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const server = new Peer<string>({ codec: lines });
 * const http = Deno.serve({ port: 0, onListen() {} }, (request) => {
 *   const { socket, response } = Deno.upgradeWebSocket(request);
 *   server.connect(fromWebSocket(socket));
 *   return response;
 * });
 *
 * const client = new Peer<string>({ codec: lines });
 * await client.connect(
 *   webSocket({ url: `ws://127.0.0.1:${http.addr.port}/` }),
 * );
 * await client.send("hello");
 * assertEquals(await server.receive(), "hello");
 * await client.disconnect();
 * await server[Symbol.asyncDispose]();
 * await http.shutdown();
 * ```
 */
export function fromWebSocket(
  socket: WebSocket,
  options: FromWebSocketOptions = {},
): Connection {
  const { messages = false, maxQueuedBytes = 16 * 1024 * 1024 } = options;
  if (!(socket instanceof WebSocket)) {
    throw new TypeError(
      `Cannot connect: socket is ${socket}, expected a WebSocket`,
    );
  }
  if (typeof maxQueuedBytes !== "number" || !(maxQueuedBytes > 0)) {
    throw wrongNumber("maxQueuedBytes", maxQueuedBytes, "more than 0");
  }
  const address: Address = {
    transport: "websocket",
    toString: () => socket.url,
  };
  const channel = new NativeChannel(socket, { messages, maxQueuedBytes });
  return new ChannelConnection(channel, {
    localAddress: address,
    remoteAddress: address,
  });
}
