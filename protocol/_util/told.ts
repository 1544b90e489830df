const causes = new WeakSet<object>();

/**
 * Notes that somebody is told why a session has ended: a wait for a message, a
 * reply or a flush fails for this cause. A send does not count: many leave it alone.
 *
 * @returns The cause.
 */
export function told(cause: unknown): unknown {
  if (typeof cause === "object" && cause !== null) causes.add(cause);
  return cause;
}

/** Whether somebody was told this cause. */
export function wasTold(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && causes.has(cause);
}
