/** How many members the objects in a JSON value have in all. */
export function countMembers(value: unknown): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countMembers(element);
  } else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) {
      count += 1 + countMembers(member);
    }
  }
  return count;
}
