/** A promise that may be left alone: its rejection is never unhandled. */
export function handled<T = void>(): PromiseWithResolvers<T> {
  const resolvers = Promise.withResolvers<T>();
  resolvers.promise.catch(() => {});
  return resolvers;
}

/** A promise that is rejected and may be left alone. */
export function rejected(cause: unknown): Promise<never> {
  const promise = Promise.reject(cause);
  promise.catch(() => {});
  return promise;
}

/** Settles like the promise, or rejects with the signal's reason before. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    return rejected(signal.reason);
  }
  const { promise: either, resolve, reject } = handled<T>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const settled = () => signal.removeEventListener("abort", abort);
  promise.finally(settled).then(resolve, reject);
  return either;
}
