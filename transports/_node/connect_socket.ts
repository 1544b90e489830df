import { connect, type NetConnectOpts } from "node:net";
import { NetSocket } from "./net_socket.ts";
import { systemError } from "./system_error.ts";

/**
 * Connects by `node:net`.
 *
 * @throws The signal's reason, if it is aborted first; nothing is left open.
 */
export async function connectSocket(
  options: NetConnectOpts,
  signal?: AbortSignal,
): Promise<NetSocket> {
  signal?.throwIfAborted();
  const socket = connect({ ...options, allowHalfOpen: true });
  const abort = () => socket.destroy();
  signal?.addEventListener("abort", abort);
  try {
    const connected = await new Promise<NetSocket>((resolve, reject) => {
      socket.once("connect", () => {
        // Its listeners come first: an error or bytes may follow at once.
        resolve(new NetSocket(socket));
      });
      socket.once("error", (error) => reject(systemError(error)));
      socket.once("close", () => reject(signal?.reason));
    });
    signal?.throwIfAborted();
    return connected;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
