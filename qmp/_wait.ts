/** The longest that a timer can take. */
const FOREVER = 2 ** 31 - 1;

/**
 * Settles like the promise, or rejects with a `TimeoutError` when that takes too
 * long. The promise is not stopped: what it waits for has to be ended.
 */
export async function within<T>(
  milliseconds: number,
  promise: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new DOMException(`${milliseconds} ms have passed`, "TimeoutError"),
      ),
    Math.min(milliseconds, FOREVER),
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles like the promise, or rejects with the signal's reason. */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
