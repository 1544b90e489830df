import type { WaitOptions } from "../transports/transport.ts";
import type { QMPOther } from "./messages.ts";

/** The status of a job, as QEMU's documentation describes it (`JobStatus`). */
export type JobStatus =
  | "undefined"
  | "created"
  | "running"
  | "paused"
  | "ready"
  | "standby"
  | "waiting"
  | "pending"
  | "aborting"
  | "concluded"
  | "null"
  | QMPOther;

/** Options of a wait for a job. */
export interface JobOptions extends WaitOptions {
  /**
   * Called with each status of the job: a job that is `ready` waits for
   * `job-complete`, say. An error that it throws ends the wait.
   *
   * @default {undefined}
   */
  onStatus?: ((status: JobStatus) => void) | undefined;
}
