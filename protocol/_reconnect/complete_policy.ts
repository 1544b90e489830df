import {
  checkCount,
  checkFunction,
  checkNumber,
  MAX_TIMEOUT,
} from "../_util/validate.ts";
import { ConnectError, StateError } from "../errors.ts";
import type { ReconnectPolicy } from "../reconnection.ts";

/** A policy in which nothing is left out. */
export type CompletePolicy = {
  [Option in keyof ReconnectPolicy]-?: NonNullable<ReconnectPolicy[Option]>;
};

/** Checks a policy, and adds the defaults. */
export function completePolicy(policy: ReconnectPolicy): CompletePolicy {
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

/** What does not come with time: a permission, and a listener that is closed. */
const FOR_GOOD = ["NotCapable", "BadResource"];

function isRetriable(error: unknown): boolean {
  const cause = error instanceof ConnectError ? error.cause : error;
  if (cause instanceof StateError) return false;
  return !(cause instanceof Error && FOR_GOOD.includes(cause.name));
}
