import { formatAddress } from "./address.ts";
import { denoSystem } from "./_deno/deno_system.ts";
import { listenFlags, listenTcp } from "./_socket/listen_tcp.ts";
import { osError } from "./_socket/os_error.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { type ConnectionSource, SocketListener } from "./_socket/listener.ts";
import { netAddress, ownEnds } from "./_socket/tcp_ends.ts";
import { HandshakeQueue } from "./_handshake/queue.ts";
import { listenerOnly, proxiedEnds } from "./_proxy/proxied_ends.ts";
import type { System, TcpListener, TcpSocket } from "./_system/system.ts";
import {
  checkHandshakes,
  checkHostname,
  checkPort,
  checkType,
} from "./_util/validate.ts";
import type { Connection, NetAddress, Transport } from "./transport.ts";

/** Options of {@linkcode tcp}. */
export interface TcpOptions {
  /**
   * A name or an IP address; IPv6 without brackets.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string | undefined;
  /** From 0 to 65535; listening at 0 gives a port that is free. */
  port: number;
  /**
   * Whether a small write is sent at once, and not held back until the peer has
   * acknowledged the write before (TCP_NODELAY). Requests and replies want it.
   *
   * @default {true}
   */
  noDelay?: boolean | undefined;
  /**
   * Whether the system probes a silent peer (SO_KEEPALIVE), and fails the
   * connection when the peer's machine does not answer: on Linux after two hours
   * of silence, unless `net.ipv4.tcp_keepalive_time` says otherwise.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /**
   * Whether several listeners, of several processes for instance, share the port
   * (SO_REUSEPORT): the system gives each connection to one of them. If that one
   * closes before it has accepted the connection, the system resets it. Needs
   * Deno's flag `--unstable-net`.
   *
   * @default {false}
   */
  reusePort?: boolean | undefined;
  /**
   * Whether a load balancer sends a PROXY header, version 1 or 2, at the front of
   * each connection to a listener. `remoteAddress` is then the client's, and
   * `localAddress` the one that the client has dialled. If the header names no
   * hosts, as for a health check or a client at a Unix socket, both are the
   * socket's own. A connection without a header is refused.
   *
   * The header can claim any address, so only the balancer may reach the port.
   * `connect()` rejects: no client sends a header.
   *
   * @default {false}
   */
  proxyProtocol?: boolean | undefined;
  /**
   * How long a PROXY header may take to arrive, in milliseconds.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Told of each peer whose PROXY header a listener has refused, and why: that is
   * not an error of `accept()`.
   *
   * @default {undefined}
   */
  onHandshakeError?: ((error: unknown) => void) | undefined;
}

/**
 * TCP. Connecting and listening need `--allow-net=HOSTNAME:PORT`.
 *
 * Listening at `localhost` binds both loopback addresses, 127.0.0.1 and ::1, at
 * one port, and needs `--allow-net=localhost,127.0.0.1,[::1]`; on a system
 * without IPv6 it binds the first alone. Another name that has several addresses
 * binds the first of them. `address` of the listener is the first one.
 *
 * @throws {TypeError} An option has the wrong type, or `hostname` is not a name or
 * an IP address.
 * @throws {RangeError} `port` is not an integer from 0 to 65535, or
 * `handshakeTimeout` is out of its range.
 *
 * @example One connection
 * ```ts
 * import { tcp } from "@parley/parley/transports";
 * import { toText } from "@std/streams";
 * import { assertEquals } from "@std/assert";
 *
 * await using listener = await tcp({ port: 0 }).listen();
 * await using client = await tcp(listener.address).connect();
 * await using server = await listener.accept();
 * await new Response("hello").body?.pipeTo(client.writable);
 * assertEquals(await toText(server.readable), "hello");
 * ```
 */
export function tcp(options: TcpOptions): Transport<NetAddress> {
  return tcpOf(denoSystem, options);
}

/** {@linkcode tcp} with the sockets of a system. */
export function tcpOf(
  system: System,
  options: TcpOptions,
): Transport<NetAddress> {
  const { hostname = "127.0.0.1", port } = options;
  const { noDelay = true, keepAlive = false, reusePort = false } = options;
  const { proxyProtocol = false, handshakeTimeout = 10_000 } = options;
  checkHostname(hostname);
  checkPort(port);
  checkType("noDelay", noDelay, "boolean");
  checkType("keepAlive", keepAlive, "boolean");
  checkType("reusePort", reusePort, "boolean");
  checkType("proxyProtocol", proxyProtocol, "boolean");
  checkHandshakes(options);
  const name = formatAddress({ transport: "tcp", hostname, port });
  const flags = name.replace("tcp://", "--allow-net=");

  function connection(
    conn: TcpSocket,
    { localAddress, remoteAddress } = ownEnds(conn, "tcp"),
  ): Connection<NetAddress> {
    conn.setNoDelay(noDelay);
    conn.setKeepAlive(keepAlive);
    return new SocketConnection(conn, localAddress, remoteAddress);
  }

  function sourceOf(listener: TcpListener): ConnectionSource<NetAddress> {
    if (proxyProtocol) {
      return new HandshakeQueue(listener, async (conn, signal) => {
        const ends = await proxiedEnds(conn, "tcp", handshakeTimeout, signal);
        return connection(conn, ends);
      }, options.onHandshakeError);
    }
    return {
      accept: async () => connection(await listener.accept()),
      close: () => listener.close(),
    };
  }

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      if (proxyProtocol) throw listenerOnly(name);
      try {
        return connection(await system.connectTcp({ hostname, port }, signal));
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, flags);
      }
    },
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        const place = { hostname, port, reusePort };
        const listener = await listenTcp(system, place);
        if (signal?.aborted) await listener.close();
        signal?.throwIfAborted();
        const address = netAddress(listener.addr, "tcp");
        return new SocketListener(sourceOf(listener), address);
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Listen at ${name}`, error, listenFlags(hostname, flags));
      }
    },
    toString: () => name,
  };
}
