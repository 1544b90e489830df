/** The deadline of a law of one connection, which takes milliseconds if it holds. */
const DEADLINE_MS = 5_000;

/** The deadline of a law of many connections, each of which may be a process. */
export const LONG_DEADLINE_MS = 30_000;

const STEPS = 10;

/** Settles like the promise, or rejects when that takes too long. */
export async function withDeadline<T>(
  done: Promise<T>,
  ms = DEADLINE_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  // In steps: time in which the process stood still does not count.
  let steps = STEPS;
  const timer = setInterval(() => {
    if (--steps > 0) return;
    late.reject(new Error(`not done after ${ms} ms`));
  }, ms / STEPS);
  // A stuck operation may still fail when the connection is aborted.
  done.catch(() => {});
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearInterval(timer);
  }
}
