import type { ChildProcess } from "../_system/child_process.ts";

/** Sends a signal to a process, unless it has ended already. */
export function kill(
  process: ChildProcess,
  signal: "SIGTERM" | "SIGKILL",
): void {
  try {
    process.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
