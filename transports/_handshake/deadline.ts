import { systemErrors } from "../_util/system_errors.ts";

/**
 * Runs a handshake. If it is aborted or takes too long, its connection is
 * aborted.
 */
export async function withDeadline<
  T,
  C extends { abort(reason: unknown): void },
>(
  connection: C,
  handshake: (connection: C) => Promise<T>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = (reason: unknown) => {
    connection.abort(reason);
    stopped.reject(reason);
  };
  const abort = () => stop(signal?.reason);
  const timer = setTimeout(() => {
    stop(
      new systemErrors.TimedOut(
        `the handshake was not done within ${timeout} ms`,
      ),
    );
  }, timeout);
  signal?.addEventListener("abort", abort);
  try {
    if (signal?.aborted) abort();
    return await Promise.race([handshake(connection), stopped.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
