import { formatAddress } from "./address.ts";
import { denoSystem } from "./_deno/deno_system.ts";
import { listenFlags, listenTcp } from "./_socket/listen_tcp.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import { osError } from "./_socket/os_error.ts";
import { netAddress, ownEnds, type TcpEnds } from "./_socket/tcp_ends.ts";
import { HandshakeQueue } from "./_handshake/queue.ts";
import { listenerOnly, proxiedEnds } from "./_proxy/proxied_ends.ts";
import { checkTlsOptions } from "./_tls/options.ts";
import { clientSide, serverSide } from "./_tls/secure.ts";
import type { System, TcpSocket } from "./_system/system.ts";
import { checkHostname, checkPort, checkType } from "./_util/validate.ts";
import type { TlsOptions } from "./tls_options.ts";
import type { Connection, NetAddress, Transport } from "./transport.ts";

/**
 * TLS over TCP, versions 1.2 and 1.3. Certificates are always verified; the page
 * `docs/tls.md` lists the checks. Connecting and listening need
 * `--allow-net=HOSTNAME:PORT`.
 *
 * `connect()` resolves when the handshake is done. A listener does its
 * handshakes side by side, so a silent peer delays nobody. The connection's
 * `tls` has the facts of the handshake, the peer's certificate among them. The
 * end of `readable` is the peer's own; a connection that was cut is a
 * `Deno.errors.UnexpectedEof`.
 *
 * @throws {TypeError} An option has the wrong type or form.
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
export function tls(options: TlsOptions): Transport<NetAddress> {
  return tlsOf(denoSystem, options);
}

/** {@linkcode tls} with the sockets of a system. */
export function tlsOf(
  system: System,
  options: TlsOptions,
): Transport<NetAddress> {
  const { hostname = "127.0.0.1", port, serverName = hostname } = options;
  const { cert, certificates, onHandshakeError } = options;
  const { proxyProtocol = false, handshakeTimeout = 10_000 } = options;
  checkHostname(hostname);
  checkPort(port);
  checkTlsOptions(options);
  checkType("proxyProtocol", proxyProtocol, "boolean");
  const name = formatAddress({ transport: "tls", hostname, port });
  const flags = name.replace("tls://", "--allow-net=");

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      if (proxyProtocol) throw listenerOnly(name);
      try {
        const secure = await clientSide(options, serverName);
        const conn = await system.connectTcp({ hostname, port }, signal);
        const plain = connection(conn, ownEnds(conn, "tls"));
        return await secure(plain, signal);
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, flags);
      }
    },
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      if (cert === undefined && certificates === undefined) {
        throw new TypeError(
          `Listen at ${name}: cert is undefined: a listener needs cert and key, or certificates`,
        );
      }
      try {
        const secure = await serverSide(options);
        signal?.throwIfAborted();
        const listener = await listenTcp(system, { hostname, port });
        if (signal?.aborted) await listener.close();
        signal?.throwIfAborted();
        const queue = new HandshakeQueue(listener, async (conn, signal) => {
          const ends = proxyProtocol
            ? await proxiedEnds(conn, "tls", handshakeTimeout, signal)
            : ownEnds(conn, "tls");
          try {
            return await secure(connection(conn, ends), signal);
          } catch (error) {
            const peer = formatAddress(ends.remoteAddress);
            throw osError(`Handshake with ${peer}`, error);
          }
        }, onHandshakeError);
        return new SocketListener(queue, netAddress(listener.addr, "tls"));
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Listen at ${name}`, error, listenFlags(hostname, flags));
      }
    },
    toString: () => name,
  };
}

/** A plain connection, whose errors say that it is TLS. */
function connection(
  conn: TcpSocket,
  { localAddress, remoteAddress }: TcpEnds,
): Connection<NetAddress> {
  conn.setNoDelay(true);
  return new SocketConnection(conn, localAddress, remoteAddress);
}
