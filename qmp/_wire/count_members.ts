import { isObject } from "./client_codec.ts";

/** The number of members of all objects in a JSON value. */
export function countMembers(value: unknown): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) count += countMembers(element);
  } else if (isObject(value)) {
    const names = Object.keys(value);
    count += names.length;
    for (const name of names) count += countMembers(value[name]);
  }
  return count;
}
