/** How long a law may take. Each takes milliseconds where nothing is stuck. */
const DEADLINE_MS = 5_000;
const STEPS = 10;

/** Settles like the promise, or rejects when that takes too long. */
export async function withDeadline<T>(done: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  // In steps: time in which the process stood still does not count.
  let steps = STEPS;
  const timer = setInterval(() => {
    if (--steps > 0) return;
    late.reject(new Error(`not done after ${DEADLINE_MS} ms`));
  }, DEADLINE_MS / STEPS);
  // A stuck operation may still fail when the connection is aborted.
  done.catch(() => {});
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearInterval(timer);
  }
}
