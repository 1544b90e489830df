/** The longest time of a timer (HTML §8.7): 24 days and a half. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Starts the timer of a limit. A limit that is longer than the longest timer, such
 * as `Infinity`, has none.
 */
export function startTimer(
  onLate: () => void,
  limit: number,
): ReturnType<typeof setTimeout> | undefined {
  return limit > MAX_TIMEOUT ? undefined : setTimeout(onLate, limit);
}
