import { setImmediate } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { TlsInfo } from "../tls_info.ts";
import type { Connection } from "../transport.ts";
import { ConnectionDuplex } from "./connection_duplex.ts";
import { asDenoError, NodeSocket } from "./node_socket.ts";
import { otherProtocol } from "./other_protocol.ts";
import { isExplained } from "./tls_channel.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** The messages of a handshake take a few reads of this size. */
export const READ_BYTES = 4 * 1024;

/** Alerts before encryption, all of them fatal (RFC 8446 §6.2). */
export const ALERTS = {
  badCertificate: fatalAlert(42),
  internalError: fatalAlert(80),
  unrecognizedName: fatalAlert(112),
};

function fatalAlert(description: number): Uint8Array {
  return new Uint8Array([0x15, 3, 3, 0, 2, 2, description]);
}

/** Options of `node:tls` that are the same for both sides. */
export const NODE_OPTIONS = {
  allowHalfOpen: true,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  // The default of a client depends on an environment variable.
  rejectUnauthorized: true,
} as const;

/** A connection whose handshake is done. */
export interface Secured {
  readonly socket: NodeSocket;
  readonly info: TlsInfo;
}

/** A handshake under way, as one side starts it. */
export interface Handshake {
  readonly duplex: ConnectionDuplex;
  done(socket: TLSSocket, info: TlsInfo): void;
  failed(error: unknown): void;
}

/** Runs a handshake. If it fails, sends our alert and closes the connection. */
export async function shake(
  connection: Connection,
  isClient: boolean,
  start: (handshake: Handshake) => void | Promise<void>,
): Promise<Secured> {
  const duplex = new ConnectionDuplex(connection);
  const { promise, resolve, reject } = Promise.withResolvers<Secured>();
  promise.catch(() => {});
  try {
    duplex.writeFailed = reject;
    await start({
      duplex,
      // Its listeners come first: an error or an end may follow at once.
      done: (socket, info) =>
        resolve({ socket: new NodeSocket(socket, duplex, isClient), info }),
      failed: reject,
    });
    const feeding = feed(duplex, promise);
    const secured = await Promise.race([promise, feeding]);
    // Bytes that came with the end of the handshake are delivered in the next
    // turn.
    await setImmediate();
    return secured;
  } catch (error) {
    await duplex.written.catch(() => {});
    duplex.destroy();
    // Its own failure would hide the reason.
    await connection.close().catch(() => {});
    throw otherProtocol(duplex.first, error) ?? asDenoError(ownCause(error));
  }
}

/** The caller names the action, so the connection's own message is left out. */
function ownCause(error: unknown): unknown {
  return error instanceof Error && error.cause && isExplained(error)
    ? error.cause
    : error;
}

/** Reads until a handshake is done. Rejects if the connection ends first. */
async function feed(
  duplex: ConnectionDuplex,
  outcome: Promise<unknown>,
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
    throw endedEarly(duplex);
  }
  return await new Promise<never>(() => {});
}

/** The error for a peer that ends within the handshake. */
export function endedEarly({ first }: ConnectionDuplex): Error {
  return new systemErrors.UnexpectedEof(
    first.length > 0
      ? "the peer ended in the handshake"
      : "the peer ended in the handshake without a byte: it may not speak TLS",
  );
}
