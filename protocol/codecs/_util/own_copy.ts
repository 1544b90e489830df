/** V8 copies a slice that is shorter. */
const MIN_SHARED = 13;

/**
 * A slice of a text as a string of its own.
 *
 * V8 makes a slice that refers to the whole text: a line that the application
 * keeps would keep a run of 64 KiB. What V8 joins, it writes to a new string.
 */
export function ownCopy(slice: string, { length }: string): string {
  const isCheap = slice.length < MIN_SHARED || 2 * slice.length > length;
  return isCheap ? slice : [slice.slice(0, -1), slice.at(-1)].join("");
}
