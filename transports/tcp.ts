import { formatAddress } from "./address.ts";
import { dial } from "./_socket/dial.ts";
import { listenFlags, listenTcp } from "./_socket/listen_tcp.ts";
import { osError } from "./_socket/os_error.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import { checkHostname, checkPort, checkType } from "./_util/validate.ts";
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
   * (SO_REUSEPORT): the system gives each connection to one of them. Needs
   * Deno's flag `--unstable-net`.
   *
   * @default {false}
   */
  reusePort?: boolean | undefined;
}

/**
 * TCP. Connecting and listening need `--allow-net=HOSTNAME:PORT`.
 *
 * Listening at `localhost` binds both loopback addresses, 127.0.0.1 and ::1, at
 * one port, and needs `--allow-net=localhost,127.0.0.1,[::1]`; on a system
 * without IPv6 it binds the first alone. Another name that has several addresses
 * binds the first of them. `address` of the listener is the first one.
 *
 * @throws {TypeError} `hostname` is not a name or an IP address, or a flag is not
 * a boolean.
 * @throws {RangeError} `port` is not an integer from 0 to 65535.
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
  const { hostname = "127.0.0.1", port } = options;
  const { noDelay = true, keepAlive = false, reusePort = false } = options;
  checkHostname(hostname);
  checkPort(port);
  checkType("noDelay", noDelay, "boolean");
  checkType("keepAlive", keepAlive, "boolean");
  checkType("reusePort", reusePort, "boolean");
  const name = formatAddress({ transport: "tcp", hostname, port });
  const flags = name.replace("tcp://", "--allow-net=");

  function connection(raw: Deno.TcpConn): Connection<NetAddress> {
    raw.setNoDelay(noDelay);
    raw.setKeepAlive(keepAlive);
    return new SocketConnection(
      raw,
      address(raw.localAddr),
      address(raw.remoteAddr),
    );
  }

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        return connection(await dial({ hostname, port }, signal));
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, flags);
      }
    },
    // deno-lint-ignore require-await -- errors of the signal and of the system reject
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        if (reusePort) checkReusePort();
        const raw = listenTcp({ hostname, port, reusePort });
        return new SocketListener({
          accept: async () => connection(await raw.accept()),
          close: () => raw.close(),
        }, address(raw.addr));
      } catch (error) {
        throw osError(`Listen at ${name}`, error, listenFlags(hostname, flags));
      }
    },
    toString: () => name,
  };
}

/** Without the flag, Deno would end the process. */
function checkReusePort(): void {
  // There with the same flag.
  if ("listenDatagram" in Deno) return;
  throw new Deno.errors.NotSupported(
    "reusePort is true, expected Deno's flag --unstable-net with it",
  );
}

function address({ hostname, port }: Deno.NetAddr): NetAddress {
  return { transport: "tcp", hostname, port };
}
