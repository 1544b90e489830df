import { MAX_TIMEOUT } from "../_util/start_timer.ts";
import { checkCount, checkFunction, checkNumber } from "../_util/validate.ts";
import type { ReconnectPolicy } from "../reconnection.ts";

/** A policy in which nothing is left out. */
export type CompletePolicy = {
  [Option in keyof ReconnectPolicy]-?: NonNullable<ReconnectPolicy[Option]>;
};

/** Checks a policy, and adds the defaults, one of which is the protocol's own. */
export function completePolicy(
  policy: ReconnectPolicy,
  isRetriable: (error: unknown) => boolean,
): CompletePolicy {
  const complete = {
    initialDelay: policy.initialDelay ?? 250,
    maxDelay: policy.maxDelay ?? 30_000,
    maxAttempts: policy.maxAttempts ?? Infinity,
    onConnect: policy.onConnect ?? (() => {}),
    isRetriable: policy.isRetriable ?? isRetriable,
  };
  checkNumber("maxDelay", complete.maxDelay, 1, MAX_TIMEOUT);
  checkNumber("initialDelay", complete.initialDelay, 0, complete.maxDelay);
  checkCount("maxAttempts", complete.maxAttempts, 1);
  checkFunction("option", "onConnect", complete.onConnect);
  checkFunction("option", "isRetriable", complete.isRetriable);
  return complete;
}
