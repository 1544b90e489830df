import { withDeadline } from "../_handshake/deadline.ts";
import { osError } from "../_socket/os_error.ts";
import { release } from "../_socket/raw_socket.ts";
import { ownEnds, type TcpEnds } from "../_socket/tcp_ends.ts";
import type { TcpSocket } from "../_system/system.ts";
import { formatAddress } from "../address.ts";
import type { NetAddress } from "../transport.ts";
import { readProxyHeader } from "./read_header.ts";

/**
 * Reads the PROXY header of a socket that was accepted. If it names no ends,
 * they are the socket's own. If that fails, the socket is closed.
 *
 * @param timeout How long it may take, in milliseconds.
 */
export async function proxiedEnds(
  conn: TcpSocket,
  transport: NetAddress["transport"],
  timeout: number,
  signal: AbortSignal,
): Promise<TcpEnds> {
  const own = ownEnds(conn, transport);
  const socket = { abort: () => conn.close() };
  const read = () => readProxyHeader(conn);
  try {
    const named = await withDeadline(socket, read, timeout, signal);
    if (!named) return own;
    return {
      localAddress: { transport, ...named.destination },
      remoteAddress: { transport, ...named.source },
    };
  } catch (error) {
    release(conn);
    const peer = formatAddress(own.remoteAddress);
    throw osError(`PROXY header of ${peer}`, error);
  }
}

/** The error of a client: it has no header to send. */
export function listenerOnly(name: string): TypeError {
  return new TypeError(
    `Connect to ${name}: proxyProtocol is true, expected false: only a listener reads a PROXY header, and no client sends one`,
  );
}
