import { isIP } from "node:net";
import { setImmediate } from "node:timers/promises";
import {
  connect,
  createServer,
  type DetailedPeerCertificate,
  type TLSSocket,
} from "node:tls";
import { type RawSocket, release } from "../_socket/raw_socket.ts";
import { ChannelDuplex } from "./channel_duplex.ts";
import type { Credentials } from "./credentials.ts";
import { asDenoError, NodeTlsSocket } from "./node_tls_socket.ts";
import { explained, refusalOfClient, refusalOfServer } from "./refusal.ts";

// docs/tls.md says why TLS is `node:tls` over our channel, and which checks of
// certificates it leaves to this folder.

/** The messages of a handshake take a few reads of this size. */
const READ_BYTES = 4 * 1024;

/** The fatal alert bad_certificate (RFC 8446 §6.2). */
const BAD_CERTIFICATE = new Uint8Array([0x15, 3, 3, 0, 2, 2, 42]);

const VERSIONS = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3" } as const;

/**
 * The client's side of a handshake. It owns the channel.
 *
 * @param name The name that the server's certificate must be for.
 * @throws {Deno.errors.InvalidData} The server's certificate is not trusted.
 */
export function connectTls(
  channel: RawSocket,
  credentials: Credentials,
  name: string,
): Promise<RawSocket> {
  return shake(channel, true, (duplex, done, failed) => {
    const check = (leaf: DetailedPeerCertificate) => {
      const why = refusalOfServer(leaf, credentials, name);
      if (!why) return undefined;
      const error = new Deno.errors.InvalidData(why);
      // Our side of the handshake has not been sent, so the server still reads
      // a plain alert. In TLS 1.2 it does not.
      if (socket.getProtocol() === "TLSv1.3") {
        duplex.writeLast(BAD_CERTIFICATE).catch(() => {});
      }
      failed(error);
      return error;
    };
    const socket = connect({
      ...{ socket: duplex, allowHalfOpen: true },
      ...VERSIONS,
      ...nodeOptions(credentials),
      // The default depends on an environment variable.
      rejectUnauthorized: true,
      // Node gives the whole chain here.
      checkServerIdentity: (_name, leaf) =>
        check(leaf as DetailedPeerCertificate),
      // RFC 6066 §3: an address is no server name.
      servername: isIP(name) ? "" : name,
    });
    socket.on("error", (error) => failed(explained(error, "server")));
    socket.on("secureConnect", () => done(socket));
  });
}

/**
 * The server's side of a handshake. It owns the channel. If there are
 * authorities, the client must show a certificate.
 *
 * @throws {Deno.errors.InvalidData} It shows none, or none that is trusted.
 */
export function acceptTls(
  channel: RawSocket,
  credentials: Credentials,
): Promise<RawSocket> {
  const { authorities } = credentials;
  return shake(channel, false, (duplex, done, failed) => {
    const server = createServer({
      allowHalfOpen: true,
      ...VERSIONS,
      ...nodeOptions(credentials),
      requestCert: authorities !== undefined,
      rejectUnauthorized: true,
      // Node's own deadline keeps a refused socket until it passes. We have ours.
      handshakeTimeout: -1,
    }, (socket) => {
      const why = authorities && refusalOfClient(socket, authorities);
      if (why) failed(new Deno.errors.InvalidData(why));
      else done(socket);
    });
    server.on("tlsClientError", (error, socket) => {
      failed(
        explained(error, "client", socket.authorizationError ?? undefined),
      );
    });
    server.emit("connection", duplex);
  });
}

function nodeOptions({ cert, key, ca, alpnProtocols }: Credentials) {
  return {
    ...(cert && { cert, key }),
    ...(ca && { ca: [...ca] }),
    ...(alpnProtocols && { ALPNProtocols: [...alpnProtocols] }),
  };
}

/** Runs a handshake. If it fails, sends our alert and closes the channel. */
async function shake(
  channel: RawSocket,
  isClient: boolean,
  start: (
    duplex: ChannelDuplex,
    done: (socket: TLSSocket) => void,
    failed: (error: unknown) => void,
  ) => void,
): Promise<RawSocket> {
  const duplex = new ChannelDuplex(channel);
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const close = () => release(channel);
  try {
    duplex.writeFailed = reject;
    start(duplex, resolve, reject);
    const socket = await Promise.race([promise, feed(duplex, promise)]);
    const secure = new NodeTlsSocket(socket, duplex, isClient, close);
    // Bytes that came with the end of the handshake are delivered in the next
    // turn, and our last message is written.
    await setImmediate();
    await duplex.written.catch(() => {});
    return secure;
  } catch (error) {
    await duplex.written.then(() => channel.closeWrite()).catch(() => {});
    duplex.destroy();
    close();
    throw asDenoError(error);
  }
}

/** Reads until a handshake is done. Rejects if the channel ends first. */
async function feed(
  duplex: ChannelDuplex,
  outcome: Promise<TLSSocket>,
): Promise<never> {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  outcome.then(end, end);
  const buffer = new Uint8Array(READ_BYTES);
  while (!isOver) {
    if (await duplex.pull(buffer) !== null) continue;
    // If the last bytes were an alert, its error comes a few turns later.
    await setImmediate();
    throw new Deno.errors.UnexpectedEof("the peer ended in the handshake");
  }
  return await new Promise<never>(() => {});
}
