/** What timers take at most (HTML §8.7): 24 days and a half. */
export const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * Checks an option that is a number, where it is given.
 *
 * @throws {RangeError} It is none, or out of range.
 */
export function checkNumber(
  option: string,
  value: number | undefined,
  least: number,
  most: number,
): void {
  if (value !== undefined && !(value >= least && value <= most)) {
    throw new RangeError(
      `Cannot use the option: ${option} is ${value}: it must be from ${least} to ${most}`,
    );
  }
}
