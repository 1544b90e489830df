import { assert } from "../_deps.ts";

/** The reason of a promise that must reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  assert(result?.status === "rejected", "The promise has not rejected");
  return result.reason;
}
