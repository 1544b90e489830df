/** A promise that nobody has to wait for: all learn of a session's end from it. */
export function handled<T = void>(): PromiseWithResolvers<T> {
  const resolvers = Promise.withResolvers<T>();
  resolvers.promise.catch(() => {});
  return resolvers;
}

/** Settles like the promise, or rejects with the signal's reason before. */
export function abortable(
  promise: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!signal) return promise;
  const { promise: either, resolve, reject } = handled();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  promise.then(resolve, reject)
    .finally(() => signal.removeEventListener("abort", abort));
  return either;
}
