import { formatAddress } from "./address.ts";
import { osError } from "./_socket/os_error.ts";
import { checkTlsOptions } from "./_tls/options.ts";
import { serverSide } from "./_tls/secure.ts";
import type { TlsOptions } from "./tls_options.ts";
import type { Address, Connection, WaitOptions } from "./transport.ts";

/** Options of {@linkcode acceptTls}, with the meaning that they have for `tls()`. */
export interface AcceptTlsOptions extends
  WaitOptions,
  Pick<
    TlsOptions,
    | "cert"
    | "key"
    | "certificates"
    | "clientCaCerts"
    | "alpnProtocols"
    | "handshakeTimeout"
  > {}

/**
 * Makes a TLS connection of a plain one, as its server: the second step of
 * STARTTLS, or TLS over any transport.
 *
 * The plain connection belongs to the TLS connection from then on. If the
 * handshake fails, it is closed. Bytes that the peer sent before the handshake
 * must have been read: they would be taken for TLS. The addresses stay those of
 * the plain connection.
 *
 * @throws {TypeError} An option has the wrong type or form, or there is no certificate.
 * The connection is as before.
 * @throws {RangeError} `handshakeTimeout` is out of its range.
 * @throws {Deno.errors.InvalidData} A certificate or key cannot be read, or the
 * client's certificate is not trusted.
 *
 * @example A client that goes on in plain text
 * ```ts
 * import { acceptTls, memoryPair } from "@parley/parley/transports";
 * import { assertRejects } from "@std/assert";
 *
 * const [client, server] = memoryPair();
 * await assertRejects(() => acceptTls(server), TypeError, "cert is undefined");
 * const accepting = acceptTls(server, {
 *   certificates: () => undefined,
 * });
 * await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
 * await assertRejects(() => accepting, Deno.errors.InvalidData, "speaks HTTP");
 * await client.close();
 * ```
 */
export async function acceptTls<A extends Address>(
  connection: Connection<A>,
  options: AcceptTlsOptions = {},
): Promise<Connection<A>> {
  const { signal, cert, certificates } = options;
  checkTlsOptions(options);
  if (cert === undefined && certificates === undefined) {
    throw new TypeError(
      "Cannot use the option: cert is undefined: a server needs cert and key, or certificates",
    );
  }
  signal?.throwIfAborted();
  const secure = await serverSide(options);
  try {
    return await secure(connection, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const peer = formatAddress(connection.remoteAddress);
    throw osError(`Handshake with ${peer}`, error);
  }
}
