import { formatAddress } from "./address.ts";
import { osError } from "./_socket/os_error.ts";
import { checkTlsOptions } from "./_tls/options.ts";
import { clientSide } from "./_tls/secure.ts";
import type { TlsOptions } from "./tls_options.ts";
import type { Address, Connection, WaitOptions } from "./transport.ts";

/** Options of {@linkcode startTls}, with the meaning that they have for `tls()`. */
export interface StartTlsOptions extends
  WaitOptions,
  Pick<
    TlsOptions,
    "caCerts" | "cert" | "key" | "alpnProtocols" | "handshakeTimeout"
  > {
  /**
   * The name that the server's certificate must be for.
   *
   * @default {the hostname of the remote address}
   */
  serverName?: string | undefined;
}

/**
 * Makes a TLS connection of a plain one, as its client: the second step of
 * STARTTLS, or TLS over any transport. The server's certificate is verified as
 * by `tls()`.
 *
 * The plain connection belongs to the TLS connection from then on. If the
 * handshake fails, it is closed. Bytes that the peer sent before the handshake
 * must have been read: they would be taken for TLS. The addresses stay those of
 * the plain connection.
 *
 * @throws {TypeError} An option has the wrong type or form, or there is no `serverName`
 * and the remote address has no hostname. The connection is as before.
 * @throws {RangeError} `handshakeTimeout` is out of its range.
 * @throws {Deno.errors.InvalidData} A certificate or key cannot be read, or the
 * server's certificate is not trusted.
 *
 * @example A name is needed where the address has none
 * ```ts
 * import { memoryPair, startTls } from "@parley/parley/transports";
 * import { assertRejects } from "@std/assert";
 *
 * const [client, server] = memoryPair();
 * await assertRejects(() => startTls(client), TypeError, "serverName");
 * const connecting = startTls(client, { serverName: "example.com" });
 * await server.read(new Uint8Array(1024)); // the client's first message
 * await server.write(new TextEncoder().encode("454 TLS not available\r\n"));
 * await assertRejects(() => connecting, Deno.errors.InvalidData, "plain text");
 * await server.close();
 * ```
 */
export async function startTls<A extends Address>(
  connection: Connection<A>,
  options: StartTlsOptions = {},
): Promise<Connection<A>> {
  const { signal } = options;
  const { remoteAddress } = connection;
  const { serverName = hostnameOf(remoteAddress) } = options;
  if (serverName === undefined) {
    throw new TypeError(
      `Cannot use the option: serverName is undefined: it is needed, as ${
        formatAddress(remoteAddress)
      } has no hostname`,
    );
  }
  checkTlsOptions({ ...options, serverName });
  signal?.throwIfAborted();
  const secure = await clientSide(options, serverName);
  try {
    return await secure(connection, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw osError(`Handshake with ${formatAddress(remoteAddress)}`, error);
  }
}

function hostnameOf(address: Address): string | undefined {
  return "hostname" in address ? address.hostname : undefined;
}
