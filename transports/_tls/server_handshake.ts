import {
  createSecureContext,
  createServer,
  type SecureContext,
} from "node:tls";
import type { Connection } from "../transport.ts";
import type { TlsOptions } from "../tls_options.ts";
import { type Credentials, readIdentity } from "./credentials.ts";
import { tlsInfo } from "./info.ts";
import { explained, judgeClient } from "./refusal.ts";
import {
  ALERTS,
  type Handshake,
  NODE_OPTIONS,
  type Secured,
  shake,
} from "./shake.ts";

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
  return shake(connection, false, (handshake) => {
    const { duplex, done, failed } = handshake;
    const server = createServer({
      ...NODE_OPTIONS,
      ...(certificates
        ? { SNICallback: choosing(certificates, ca, handshake) }
        : identity),
      ...(ca && { ca }),
      ...(alpnProtocols && { ALPNProtocols: alpnProtocols }),
      requestCert: authorities !== undefined,
      // Node's own deadline keeps a refused socket until it passes. We have ours.
      handshakeTimeout: -1,
    }, (socket) => {
      const { own, why } = authorities ? judgeClient(socket, authorities) : {};
      if (why !== undefined) return failed(new Deno.errors.InvalidData(why));
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

/** Asks for a certificate. If there is none, the client reads an alert. */
function choosing(
  certificates: NonNullable<TlsOptions["certificates"]>,
  ca: string[] | undefined,
  { duplex, failed }: Handshake,
): (
  name: string,
  done: (error: Error | null, context?: SecureContext) => void,
) => void {
  return async (name, done) => {
    let alert = ALERTS.internalError;
    try {
      const identity = await certificates(name || undefined);
      if (!identity) {
        alert = ALERTS.unrecognizedName;
        const wanted = name ? JSON.stringify(name) : "a client without a name";
        throw new Deno.errors.NotFound(`certificates has none for ${wanted}`);
      }
      const { cert, key } = readIdentity(identity);
      done(null, createSecureContext({ cert, key, ...(ca && { ca }) }));
      duplex.flush();
    } catch (error) {
      duplex.writeLast(alert).catch(() => {});
      failed(error);
    }
  };
}
