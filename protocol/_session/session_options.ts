import type { Hooks } from "./hooks.ts";
import type { SharedBudget } from "./session_budget.ts";
import type { SessionLimits } from "./session_limits.ts";
import type { SessionLog } from "./session_log.ts";

/** What a session needs to know of its protocol. */
export interface SessionOptions<In, Out> extends SessionLimits {
  log: SessionLog;
  hooks: Hooks<In, Out>;
}

/** What a server, or a reconnection, decides for the sessions that it owns. */
export interface SessionHost {
  /** What all sessions of the server hold. */
  readonly budget?: SharedBudget;
  /** A second limit for the silence of a session. */
  readonly idleTimeout?: number | undefined;
  /** The level at which failures are logged: lower if a caller is told of them. */
  readonly failureLevel: "error" | "debug";
}
