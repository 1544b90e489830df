import { formatAddress } from "./address.ts";
import { withDeadline } from "./_tls/deadline.ts";
import { dial } from "./_socket/dial.ts";
import { HandshakeQueue } from "./_tls/handshake_queue.ts";
import { osError } from "./_socket/os_error.ts";
import type { RawSocket } from "./_socket/raw_socket.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import { checkTlsOptions } from "./_tls/options.ts";
import type { Address, Connection, Transport } from "./transport.ts";

/** Options of {@linkcode tls}. Certificates and keys are PEM. */
export interface TlsOptions {
  /**
   * A name or an IP address; IPv6 without brackets.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /** From 0 to 65535; listening at 0 gives a port that is free. */
  port: number;
  /**
   * The name that the server's certificate must be for.
   *
   * @default {hostname}
   */
  serverName?: string;
  /**
   * The authorities that a client trusts to sign the server's certificate, in
   * place of the well-known ones.
   *
   * @default {undefined}
   */
  caCerts?: string[];
  /**
   * Our certificate, with its chain: a listener needs one, and a client shows
   * it to a server that asks.
   *
   * @default {undefined}
   */
  cert?: string;
  /**
   * The private key of `cert`.
   *
   * @default {undefined}
   */
  key?: string;
  /**
   * The authorities that a listener trusts to sign the certificates of clients
   * (mutual TLS): a client that has none is refused. Without this option no
   * client is asked.
   *
   * @default {undefined}
   */
  clientCaCerts?: string[];
  /**
   * Names of protocols to offer (ALPN), the best first.
   *
   * @default {undefined}
   */
  alpnProtocols?: string[];
  /**
   * How long a handshake may take, in milliseconds.
   *
   * @default {10_000}
   */
  handshakeTimeout?: number;
  /**
   * Told of each peer that a listener has refused, and why: a handshake that
   * fails is no error of `accept()`.
   *
   * @default {undefined}
   */
  onHandshakeError?: (error: unknown) => void;
}

/**
 * TLS over TCP. Certificates are always verified. Connecting and listening need
 * `--allow-net=HOSTNAME:PORT`.
 *
 * `connect()` resolves when the handshake is done. A listener does its
 * handshakes beside each other and beside `accept()`, so that a peer who says
 * nothing holds up nobody. The end of `readable` is the peer's own; a
 * connection that was cut is a `Deno.errors.UnexpectedEof`.
 *
 * @throws {TypeError} An option is not of its form.
 * @throws {RangeError} `port` or `handshakeTimeout` is out of its range.
 *
 * @example What a client trusts, and what a listener needs
 * ```ts
 * import { tls } from "@parley/parley/transports";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const caCert = `-----BEGIN CERTIFICATE-----
 * …
 * -----END CERTIFICATE-----`;
 * const client = tls({ hostname: "localhost", port: 1, caCerts: [caCert] });
 * assertEquals(client.toString(), "tls://localhost:1");
 * await assertRejects(() => client.connect(), Deno.errors.InvalidData, "read");
 *
 * const listener = tls({ port: 0 });
 * await assertRejects(() => listener.listen(), TypeError, "cert is undefined");
 * ```
 */
export function tls(options: TlsOptions): Transport {
  checkTlsOptions(options);
  const { hostname = "127.0.0.1", port, serverName = hostname } = options;
  const { cert, key, caCerts, clientCaCerts, alpnProtocols } = options;
  const { handshakeTimeout = 10_000, onHandshakeError } = options;
  const name = formatAddress({ transport: "tls", hostname, port });
  const flags = name.replace("tls://", "--allow-net=");

  async function secure(
    conn: Deno.TcpConn,
    handshake: () => Promise<RawSocket>,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    const local = address(conn.localAddr);
    const remote = address(conn.remoteAddr);
    conn.setNoDelay(true);
    const run = withDeadline(conn, handshake, handshakeTimeout, signal);
    return new SocketConnection(await run, local, remote);
  }

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        const { connectTls, readCredentials } = await implementation();
        const credentials = readCredentials({
          ...{ cert, key, caCerts, alpnProtocols },
        });
        const conn = await dial({ hostname, port }, signal);
        const handshake = () => connectTls(conn, credentials, serverName);
        return await secure(conn, handshake, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, flags);
      }
    },
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      if (cert === undefined) {
        throw new TypeError(
          `Listen at ${name}: cert is undefined: a listener needs cert and key`,
        );
      }
      try {
        const { acceptTls, readCredentials } = await implementation();
        signal?.throwIfAborted();
        const credentials = readCredentials({
          ...{ cert, key, caCerts: clientCaCerts, alpnProtocols },
        });
        const listener = Deno.listen({ hostname, port });
        const queue = new HandshakeQueue(listener, async (conn, signal) => {
          const peer = formatAddress(address(conn.remoteAddr));
          try {
            const handshake = () => acceptTls(conn, credentials);
            return await secure(conn, handshake, signal);
          } catch (error) {
            throw osError(`Handshake with ${peer}`, error);
          }
        }, onHandshakeError);
        return new SocketListener(queue, address(listener.addr));
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Listen at ${name}`, error, flags);
      }
    },
    toString: () => name,
  };
}

/** Loaded where it is needed: it takes longer than all the rest. */
async function implementation(): Promise<
  & typeof import("./_tls/handshake.ts")
  & typeof import("./_tls/credentials.ts")
> {
  return {
    ...await import("./_tls/handshake.ts"),
    ...await import("./_tls/credentials.ts"),
  };
}

function address({ hostname, port }: Deno.NetAddr): Address {
  return { transport: "tls", hostname, port };
}
