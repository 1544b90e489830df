import { startTimer } from "../../protocol/_util/start_timer.ts";
import { abortable as abortableBy } from "../_deps.ts";

/**
 * Settles like the promise, or rejects with a `TimeoutError` if that takes too
 * long. The operation behind the promise goes on: the caller ends it.
 */
export async function within<T>(
  milliseconds: number,
  promise: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = startTimer(
    () =>
      late.reject(
        new DOMException(`${milliseconds} ms have passed`, "TimeoutError"),
      ),
    milliseconds,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Settles like the promise, or rejects with the signal's reason. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  return signal ? abortableBy(promise, signal) : promise;
}
