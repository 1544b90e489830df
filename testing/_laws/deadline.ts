/** How long a law may take. Each takes milliseconds where nothing is stuck. */
const DEADLINE_MS = 5_000;
const STEPS = 10;

/** Settles like the promise, or rejects when a law takes too long. */
export async function withDeadline<T>(
  law: string,
  done: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  // In steps: time in which the process stood still does not count.
  let steps = STEPS;
  const timer = setInterval(() => {
    if (--steps > 0) return;
    late.reject(
      new Error(
        `Nothing more happens after ${DEADLINE_MS} ms, expected: ${law}`,
      ),
    );
  }, DEADLINE_MS / STEPS);
  // What is stuck may still fail when the connection is aborted.
  done.catch(() => {});
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    clearInterval(timer);
  }
}
