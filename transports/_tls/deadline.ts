import { release } from "../_socket/raw_socket.ts";

/**
 * Runs a handshake. If it fails, is aborted or takes too long, its connection
 * is closed.
 */
export async function withDeadline<T>(
  conn: { close(): void },
  handshake: () => Promise<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const abort = () => stopped.reject(signal?.reason);
  const timer = setTimeout(() => {
    stopped.reject(
      new Deno.errors.TimedOut(
        `the TLS handshake was not done within ${timeout} ms`,
      ),
    );
  }, timeout);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    return await Promise.race([handshake(), stopped.promise]);
  } catch (error) {
    release(conn);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
