import { createServer } from "node:tls";
import type { Connection } from "../transport.ts";
import type { TlsIdentity, TlsOptions } from "../tls_options.ts";
import { type ClientHello, ClientHelloReader } from "./client_hello.ts";
import type { ConnectionDuplex } from "./connection_duplex.ts";
import { type Credentials, readIdentity } from "./credentials.ts";
import { tlsInfo } from "./info.ts";
import { explained, judgeClient } from "./refusal.ts";
import {
  ALERTS,
  endedEarly,
  NODE_OPTIONS,
  READ_BYTES,
  type Secured,
  shake,
} from "./shake.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { show } from "../_util/validate.ts";

/**
 * The server's side of a handshake. It owns the connection. If there are
 * authorities, the client must show a certificate.
 *
 * @param certificates Asked for certificate and key, instead of `identity`.
 * @throws {Deno.errors.InvalidData} It shows none, or none that is trusted.
 */
export function shakeAsServer(
  connection: Connection,
  { identity, ca, authorities, alpnProtocols }: Credentials,
  certificates: TlsOptions["certificates"],
): Promise<Secured> {
  return shake(connection, false, async ({ duplex, done, failed }) => {
    const shown = certificates ? await choose(certificates, duplex) : identity;
    const server = createServer({
      ...NODE_OPTIONS,
      ...shown,
      ...(ca && { ca }),
      ...(alpnProtocols && { ALPNProtocols: alpnProtocols }),
      requestCert: authorities !== undefined,
      // Node's own deadline keeps a refused socket until it passes. We have ours.
      handshakeTimeout: -1,
    }, (socket) => {
      const { own, why } = authorities ? judgeClient(socket, authorities) : {};
      if (why !== undefined) return failed(new systemErrors.InvalidData(why));
      // `false` without a name, and not in Node's types.
      const name = Reflect.get(socket, "servername") || undefined;
      done(socket, tlsInfo(socket, name, own));
    });
    server.on("tlsClientError", (error, socket) => {
      failed(explained(error, "client", socket.authorizationError));
    });
    server.emit("connection", duplex);
  });
}

/**
 * Asks for a certificate, before Node knows of the client: what Node keeps of a
 * client without a certificate is never freed. If there is none, the client
 * reads an alert.
 */
async function choose(
  certificates: NonNullable<TlsOptions["certificates"]>,
  duplex: ConnectionDuplex,
): Promise<TlsIdentity> {
  const buffer = new Uint8Array(READ_BYTES);
  const reader = new ClientHelloReader();
  let hello: ClientHello | undefined;
  while (!hello) {
    const bytes = await duplex.readAhead(buffer);
    if (!bytes) throw endedEarly(duplex);
    hello = reader.push(bytes);
  }
  const { serverName } = hello;
  let alert = ALERTS.internalError;
  try {
    const identity = await certificates(serverName);
    if (identity) return readIdentity(identity);
    alert = ALERTS.unrecognizedName;
    throw new systemErrors.NotFound(
      `certificates has none for ${serverName ?? "a client without a name"}`,
    );
  } catch (error) {
    duplex.writeLast(alert).catch(() => {});
    if (error instanceof Error) throw error;
    const message = `certificates has thrown ${show(error)}`;
    throw new Error(message, { cause: error });
  }
}
