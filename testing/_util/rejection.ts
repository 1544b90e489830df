import { assert } from "../_deps.ts";

/** What a promise that must reject rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([promise]);
  assert(result?.status === "rejected", "The promise has not rejected");
  return result.reason;
}
