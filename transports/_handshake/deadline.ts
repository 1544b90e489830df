import { startTimer } from "../_util/start_timer.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * Runs a handshake. If it is aborted or takes too long, its connection is
 * aborted, and it fails.
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
  let isStopped = false;
  const stop = (reason: unknown) => {
    isStopped = true;
    connection.abort(reason);
    stopped.reject(reason);
  };
  const abort = () => stop(signal?.reason);
  const timer = startTimer(() => {
    stop(
      new systemErrors.TimedOut(
        `the handshake was not done within ${timeout} ms`,
      ),
    );
  }, timeout);
  signal?.addEventListener("abort", abort);
  try {
    if (signal?.aborted) abort();
    const done = await Promise.race([handshake(connection), stopped.promise]);
    // Done or not, its connection is aborted.
    return isStopped ? await stopped.promise : done;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
