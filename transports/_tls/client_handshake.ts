import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate } from "node:tls";
import type { Connection } from "../transport.ts";
import type { Certificate } from "./certificate.ts";
import type { Credentials } from "./credentials.ts";
import { tlsInfo } from "./info.ts";
import { explained, judgeServer } from "./refusal.ts";
import { ALERTS, NODE_OPTIONS, type Secured, shake } from "./shake.ts";
import { systemErrors } from "../_util/system_errors.ts";

// docs/tls.md says why TLS is `node:tls` over our connection, and which checks of
// certificates it leaves to this folder.

/**
 * The client's side of a handshake. It owns the connection.
 *
 * @param name The name that the server's certificate must be for.
 * @throws {Deno.errors.InvalidData} The server's certificate is not trusted.
 */
export function shakeAsClient(
  connection: Connection,
  { identity, ca, authorities, alpnProtocols }: Credentials,
  name: string,
): Promise<Secured> {
  return shake(connection, true, ({ duplex, done, failed }) => {
    let own: Certificate | undefined;
    const check = (leaf: DetailedPeerCertificate) => {
      const verdict = judgeServer(leaf, authorities, name);
      own = verdict.own;
      if (verdict.why === undefined) return undefined;
      const error = new systemErrors.InvalidData(verdict.why);
      // Our side of the handshake has not been sent, so the server still reads
      // a plain alert. In TLS 1.2 it does not.
      if (socket.getProtocol() === "TLSv1.3") {
        duplex.writeLast(ALERTS.badCertificate).catch(() => {});
      }
      failed(error);
      return error;
    };
    // RFC 6066 §3: an address is not a server name.
    const servername = isIP(name) ? "" : name;
    const socket = connect({
      ...NODE_OPTIONS,
      socket: duplex,
      ...identity,
      ...(ca && { ca }),
      ...(alpnProtocols && { ALPNProtocols: alpnProtocols }),
      servername,
      // Node gives the whole chain here.
      checkServerIdentity: (_name, leaf) =>
        check(leaf as DetailedPeerCertificate),
    });
    socket.on("error", (error) => failed(explained(error, "server")));
    socket.on("secureConnect", () => {
      done(socket, tlsInfo(socket, servername, own));
    });
  });
}
