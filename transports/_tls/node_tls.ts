import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { TcpDuplex } from "./node_duplex.ts";
import { asDenoError, NodeTlsSocket } from "./node_tls_socket.ts";
import type { RawSocket } from "../_socket/raw_socket.ts";

// Deno's own TLS is twice as fast, but keeps the socket of a handshake that was
// given up open until the peer goes, holds small writes back on the listening
// side, and cannot ask a client for its certificate.

/** What an end of a TLS connection shows, trusts and speaks. */
export interface Credentials {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: readonly string[] | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
}

/**
 * Checks that certificates and key can be read, and belong together.
 *
 * @throws {Deno.errors.InvalidData} They cannot, or do not.
 */
export function checkCredentials({ cert, key, ca = [] }: Credentials): void {
  const parse = <T>(name: string, parser: () => T): T => {
    try {
      return parser();
    } catch (cause) {
      throw new Deno.errors.InvalidData(`${name} cannot be read`, { cause });
    }
  };
  for (const text of ca) {
    parse("an authority's certificate", () => new X509Certificate(text));
  }
  if (cert === undefined || key === undefined) return;
  const certificate = parse("cert", () => new X509Certificate(cert));
  const privateKey = parse("key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Deno.errors.InvalidData("key is not the key of cert");
  }
}

/**
 * The server's side of a handshake. Where there is a `ca`, the client has to
 * show a certificate.
 *
 * @throws {Deno.errors.InvalidData} It shows none, or none that is trusted.
 */
export function acceptTls(
  conn: Deno.TcpConn,
  credentials: Credentials,
): Promise<RawSocket> {
  const requestCert = credentials.ca !== undefined;
  return secure(conn, false, (duplex, done, failed) => {
    const server = createServer({
      ...nodeOptions(credentials),
      allowHalfOpen: true,
      requestCert,
      // Refused here instead, where the reason is known.
      rejectUnauthorized: false,
    }, (socket) => {
      if (socket.authorized || !requestCert) done(socket);
      else failed(refusal(socket));
    });
    server.on("tlsClientError", failed);
    server.emit("connection", duplex);
  });
}

/**
 * The client's side of a handshake.
 *
 * @param name What the server's certificate must be for.
 * @throws {Deno.errors.InvalidData} The server's certificate is not trusted.
 */
export function connectTls(
  conn: Deno.TcpConn,
  credentials: Credentials,
  name: string,
): Promise<RawSocket> {
  return secure(conn, true, (duplex, done, failed) => {
    const ends = { socket: duplex, allowHalfOpen: true };
    const socket = connect({
      ...ends,
      ...nodeOptions(credentials),
      host: name,
      // RFC 6066 §3: an address is no server name.
      servername: isIP(name) ? "" : name,
    });
    socket.on("error", (error) => failed(mistrust(error)));
    socket.on("secureConnect", () => done(socket));
  });
}

function nodeOptions({ cert, key, ca, alpnProtocols }: Credentials) {
  return {
    ...(cert && { cert, key }),
    ...(ca && { ca: [...ca] }),
    ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
  };
}

async function secure(
  conn: Deno.TcpConn,
  isClient: boolean,
  start: (
    duplex: TcpDuplex,
    done: (socket: TLSSocket) => void,
    failed: (error: unknown) => void,
  ) => void,
): Promise<RawSocket> {
  const duplex = new TcpDuplex(conn);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  duplex.writeFailed = reject;
  duplex.once("end", () => {
    reject(
      duplex.readFailure ??
        new Deno.errors.UnexpectedEof("the peer ended in the handshake"),
    );
  });
  try {
    start(duplex, resolve, reject);
    return new NodeTlsSocket(await promise, duplex, isClient);
  } catch (error) {
    duplex.close();
    throw asDenoError(error);
  }
}

/** In Deno 2.9.6 this code is also that of a certificate that has expired. */
function mistrust(error: Error): Error {
  const code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  if (Reflect.get(error, "code") !== code) return error;
  return new Deno.errors.InvalidData(
    `the server's certificate is not signed by an authority that is trusted, or has expired (${code})`,
    { cause: error },
  );
}

function refusal(socket: TLSSocket): Error {
  // An error for Node's types, a code in fact. Deno 2.9.6 does not say in it
  // that a certificate has expired.
  const { valid_to } = socket.getPeerCertificate();
  const code = Date.parse(valid_to) < Date.now()
    ? "CERT_HAS_EXPIRED"
    : String(socket.authorizationError);
  return new Deno.errors.InvalidData(
    code === "UNABLE_TO_GET_ISSUER_CERT"
      ? "the client has shown no certificate"
      : `the client's certificate is not trusted (${code})`,
  );
}
