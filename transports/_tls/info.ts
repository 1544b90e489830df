import type { TLSSocket } from "node:tls";
import type { PeerCertificate, TlsInfo } from "../tls_info.ts";
import type { Certificate } from "./certificate.ts";

/** The facts of a handshake that is done. */
export function tlsInfo(
  socket: TLSSocket,
  serverName: string | undefined,
  peer: Certificate | undefined,
): TlsInfo {
  return {
    protocol: socket.getProtocol() ?? "unknown",
    // `null` on a socket that has just been destroyed.
    cipher: socket.getCipher()?.standardName ?? "unknown",
    // `false` without one.
    alpnProtocol: socket.alpnProtocol || undefined,
    serverName: serverName || undefined,
    peerCertificate: peer && peerCertificate(peer),
  };
}

function peerCertificate({ x509, fields }: Certificate): PeerCertificate {
  return {
    pem: x509.toString(),
    der: new Uint8Array(x509.raw),
    subject: x509.subject,
    names: fields.names,
    fingerprint: x509.fingerprint256,
  };
}
