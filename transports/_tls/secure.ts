import { ChannelConnection } from "../_channel/connection.ts";
import { formatAddress } from "../address.ts";
import type { TlsOptions } from "../tls_options.ts";
import type { Address, Connection } from "../transport.ts";
import { withDeadline } from "../_handshake/deadline.ts";
import type { Secured } from "./shake.ts";
import { TlsChannel } from "./tls_channel.ts";

/** The options of both sides. */
export type SideOptions = Omit<
  TlsOptions,
  "hostname" | "port" | "proxyProtocol"
>;

/** Makes a TLS connection of a plain one, which it owns from then on. */
export type Secure = <A extends Address>(
  connection: Connection<A>,
  signal: AbortSignal | undefined,
) => Promise<Connection<A>>;

// The handshakes are loaded when they are needed: loading them takes longer
// than loading everything else. None of their modules awaits at its top level:
// Deno 2.9 ends the process if a module is imported again in the meantime.

/**
 * Reads the options of a client.
 *
 * @param serverName The name that the server's certificate must be for.
 * @throws {Deno.errors.InvalidData} A certificate or key cannot be read.
 */
export async function clientSide(
  options: SideOptions,
  serverName: string,
): Promise<Secure> {
  const { readCredentials } = await import("./credentials.ts");
  const { shakeAsClient } = await import("./client_handshake.ts");
  const credentials = readCredentials(options, options.caCerts);
  return secureBy(
    (connection) => shakeAsClient(connection, credentials, serverName),
    options,
  );
}

/**
 * Reads the options of a server.
 *
 * @throws {Deno.errors.InvalidData} A certificate or key cannot be read.
 */
export async function serverSide(options: SideOptions): Promise<Secure> {
  const { readCredentials } = await import("./credentials.ts");
  const { shakeAsServer } = await import("./server_handshake.ts");
  const { certificates, clientCaCerts } = options;
  const credentials = readCredentials(options, clientCaCerts);
  return secureBy(
    (connection) => shakeAsServer(connection, credentials, certificates),
    options,
  );
}

function secureBy(
  handshake: (connection: Connection) => Promise<Secured>,
  { handshakeTimeout = 10_000 }: SideOptions,
): Secure {
  return async (connection, signal) => {
    const { localAddress, remoteAddress } = connection;
    const { socket, info } = await withDeadline(
      connection,
      handshake,
      handshakeTimeout,
      signal,
    );
    const name = formatAddress(remoteAddress);
    return new ChannelConnection(new TlsChannel(socket, connection, name), {
      localAddress,
      remoteAddress,
      tls: info,
    });
  };
}
