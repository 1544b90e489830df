import { ChannelConnection } from "./_channel/connection.ts";
import { withDeadline } from "./_handshake/deadline.ts";
import { HandshakeQueue } from "./_handshake/queue.ts";
import { SocketListener } from "./_socket/listener.ts";
import { osError } from "./_socket/os_error.ts";
import {
  acceptUpgrade,
  type Agreement,
  requestUpgrade,
} from "./_web_socket/handshake.ts";
import { readOptions } from "./_web_socket/options.ts";
import { ownOrigins } from "./_web_socket/own_origins.ts";
import { rootOf, WebSocketChannel } from "./_web_socket/web_socket_channel.ts";
import { denoSystem } from "./_deno/deno_system.ts";
import type { System } from "./_system/system.ts";
import { formatAddress } from "./address.ts";
import { tcpOf } from "./tcp.ts";
import { tlsOf } from "./tls.ts";
import type {
  Address,
  Connection,
  Listener,
  Transport,
  WebSocketAddress,
} from "./transport.ts";
import type { WebSocketOptions } from "./web_socket_options.ts";

/** A connection over a WebSocket. */
export interface WebSocketConnection extends Connection<WebSocketAddress> {
  /** The subprotocol that both ends agreed on; empty if there is none. */
  readonly protocol: string;
}

/**
 * WebSockets (RFC 6455) over TCP, TLS or any other transport. Connecting and
 * listening need `--allow-net=HOSTNAME:PORT`.
 *
 * As bytes, each write is a binary message, and what is read has no bounds of
 * messages. With `messages`, use the codec `webSocketMessages`: a message is
 * a text or bytes, as the peer sees it.
 *
 * There is backpressure both ways, and a frame of any length takes 64 KiB of
 * memory at the most. Pings are answered. `closeWrite()` sends a Close frame;
 * the peer's Close frame is the end of reading. A stream that ends without one,
 * a frame that breaks a rule, and a Close frame with an error's code are errors;
 * a rule that the peer has broken is told to it by the code of our Close frame.
 * There are no extensions. A listener refuses pages of other origins than its
 * own, unless `origins` names them. Its own origins have the host of `url`, and the
 * names of loopback if it listens there; the request's `Host` does not count, so
 * DNS rebinding does not help a hostile page.
 *
 * @throws {TypeError} An option has the wrong type or form.
 * @throws {RangeError} A number is out of its range.
 *
 * @example Messages over memory
 * ```ts
 * import { memory, webSocket } from "@parley/parley/transports";
 * import { Peer, webSocketMessages } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = webSocket({
 *   url: "ws://example/chat",
 *   over: memory(),
 *   messages: true,
 * });
 * await using listener = await transport.listen();
 * await using server = new Peer({ codec: webSocketMessages });
 * await using client = new Peer({ codec: webSocketMessages });
 * await Promise.all([server.accept(listener), client.connect(transport)]);
 * await client.send("hello");
 * assertEquals(await server.receive(), "hello");
 * ```
 */
export function webSocket(
  options: WebSocketOptions,
): Transport<WebSocketAddress> {
  return webSocketOf(denoSystem, options);
}

/** {@linkcode webSocket} with the sockets of a system. */
export function webSocketOf(
  system: System,
  options: WebSocketOptions,
): Transport<WebSocketAddress> {
  const settings = readOptions(options);
  const { url, protocols, headers, origins, messages } = settings;
  const { handshakeTimeout, onHandshakeError } = settings;
  const port = portOf(url);
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "wss:";
  const over = options.over ??
    (secure ? tlsOf : tcpOf)(system, { hostname, port });
  const address = (below?: Address, host = hostname): WebSocketAddress => ({
    transport: secure ? "wss" : "ws",
    hostname: host,
    port: below && "port" in below && typeof below.port === "number"
      ? below.port
      : port,
    path: url.pathname + url.search,
  });
  const name = formatAddress(address());

  function upgraded(
    plain: Connection,
    role: "client" | "server",
    { protocol, initial }: Agreement,
  ): WebSocketConnection {
    const { localAddress, remoteAddress } = plain;
    const accepted = role === "server";
    // The URL names the server, and not its clients.
    const server = address(accepted ? localAddress : remoteAddress);
    const below = accepted ? remoteAddress : localAddress;
    const client = address(below, hostOf(below));
    const channel = new WebSocketChannel(plain, {
      ...{ role, messages, initial },
      // A listener at port 0 has another port than its URL.
      name: accepted ? formatAddress(server) : name,
    });
    const connection = new ChannelConnection(channel, {
      localAddress: accepted ? server : client,
      remoteAddress: accepted ? client : server,
      tls: plain.tls,
    });
    return Object.assign(connection, { protocol });
  }

  function request(plain: Connection) {
    const host = port === defaultPort(url) ? url.hostname : url.host;
    const target = url.pathname + url.search;
    return requestUpgrade(plain, { host, target, protocols, headers });
  }

  /** Runs a handshake, and ends the connection below if it fails. */
  async function upgrade(
    plain: Connection,
    role: "client" | "server",
    handshake: () => Promise<Agreement>,
    signal: AbortSignal | undefined,
  ): Promise<WebSocketConnection> {
    try {
      return upgraded(
        plain,
        role,
        await withDeadline(plain, handshake, handshakeTimeout, signal),
      );
    } catch (error) {
      // In order, so that the peer reads why it was refused.
      await plain.close();
      throw error;
    }
  }

  return {
    async connect({ signal } = {}) {
      try {
        const plain = await over.connect({ signal });
        const handshake = () => request(plain);
        return await upgrade(plain, "client", handshake, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, rootOf(error));
      }
    },
    async listen({ signal } = {}) {
      let listener: Listener;
      try {
        listener = await over.listen({ signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Listen at ${name}`, rootOf(error));
      }
      const accepted = {
        path: url.pathname,
        protocols,
        origins: [...ownOrigins(url, listener.address), ...origins],
      };
      const queue = new HandshakeQueue(listener, async (plain, signal) => {
        try {
          const handshake = () => acceptUpgrade(plain, accepted);
          return await upgrade(plain, "server", handshake, signal);
        } catch (error) {
          const peer = formatAddress(plain.remoteAddress);
          throw osError(`Handshake with ${peer}`, error);
        }
      }, onHandshakeError);
      return new SocketListener(queue, address(listener.address));
    },
    toString: () => name,
  };
}

function hostOf(address: Address): string | undefined {
  const host = "hostname" in address ? address.hostname : undefined;
  return typeof host === "string" ? host : undefined;
}

function portOf(url: URL): number {
  return url.port === "" ? defaultPort(url) : Number(url.port);
}

/** RFC 6455 §3. */
function defaultPort(url: URL): number {
  return url.protocol === "wss:" ? 443 : 80;
}
