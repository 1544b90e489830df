/**
 * Cases with options as a caller without type checks may give them.
 */
export function untyped<Options>(
  cases: [object, typeof Error, string][],
): [Options, typeof Error, string][] {
  return cases as [Options, typeof Error, string][];
}
