/**
 * Cases with options as a caller may give them whose types nobody checks.
 */
export function untyped<Options>(
  cases: [object, typeof Error, string][],
): [Options, typeof Error, string][] {
  return cases as [Options, typeof Error, string][];
}
