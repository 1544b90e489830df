import { formatAddress } from "./address.ts";
import { dial } from "./_socket/dial.ts";
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
  hostname?: string;
  /** From 0 to 65535; listening at 0 gives a port that is free. */
  port: number;
  /**
   * Whether a small write is sent at once, and not held back until the peer has
   * acknowledged the one before (TCP_NODELAY): what request and reply want.
   *
   * @default {true}
   */
  noDelay?: boolean;
}

/**
 * TCP. Connecting and listening need `--allow-net=HOSTNAME:PORT`.
 *
 * @throws {TypeError} `hostname` is no name and no IP address, or `noDelay` no
 * boolean.
 * @throws {RangeError} `port` is no integer from 0 to 65535.
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
  const { hostname = "127.0.0.1", port, noDelay = true } = options;
  checkHostname(hostname);
  checkPort(port);
  checkType("noDelay", noDelay, "boolean");
  const name = formatAddress({ transport: "tcp", hostname, port });
  const flags = name.replace("tcp://", "--allow-net=");

  function connection(raw: Deno.TcpConn): Connection<NetAddress> {
    raw.setNoDelay(noDelay);
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
        const raw = Deno.listen({ hostname, port });
        return new SocketListener({
          accept: async () => connection(await raw.accept()),
          close: () => raw.close(),
        }, address(raw.addr));
      } catch (error) {
        throw osError(`Listen at ${name}`, error, flags);
      }
    },
    toString: () => name,
  };
}

function address({ hostname, port }: Deno.NetAddr): NetAddress {
  return { transport: "tcp", hostname, port };
}
