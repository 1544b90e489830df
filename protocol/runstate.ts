/**
 * The states of a session.
 *
 * ```
 *          connect(), accept()          established
 *   idle ───────────────────▶ connecting ─────────▶ running
 *    ▲ │                          │                    │
 *    │ │ disconnect()             │ failed, aborted    │ disconnect(), ended
 *    │ ▼                          ▼                    ▼
 *    disconnecting ◀──────────────┴────────────────────┘
 * ```
 */
export const Runstate = {
  /** Nothing is open; `connect()` and `accept()` may be called. */
  IDLE: "idle",
  /** A connection is being made, or its session negotiated. */
  CONNECTING: "connecting",
  /** Messages are read and sent. */
  RUNNING: "running",
  /** The session has ended; `disconnect()` brings it back to idle. */
  DISCONNECTING: "disconnecting",
} as const;

/** One of the states of a session. */
export type Runstate = typeof Runstate[keyof typeof Runstate];

/** The states that each state may be followed by. */
export const transitions: Readonly<Record<Runstate, readonly Runstate[]>> = {
  idle: ["connecting", "disconnecting"],
  connecting: ["running", "disconnecting"],
  running: ["disconnecting"],
  disconnecting: ["idle"],
};
