import { EndOfStreamError } from "../protocol/errors.ts";
import { show } from "../protocol/_util/show.ts";
import { JobWatch } from "./_client/job_watch.ts";
import { abortable } from "./_client/wait.ts";
import type { QMPClient } from "./client.ts";
import { ExecInterruptedError } from "./errors.ts";
import type { JobOptions, JobStatus } from "./job_status.ts";
import type { QMPEvent } from "./messages.ts";
import type { CommandArguments, CommandName, QMPSchema } from "./schema.ts";

/**
 * Executes a command that starts a job, and resolves when the job has succeeded,
 * with the event of its success: `BLOCK_JOB_COMPLETED`, or the `JOB_STATUS_CHANGE`
 * to `concluded` of a job that has no such event. Such a job is dismissed.
 *
 * A job that becomes `ready`, such as a mirror, waits for `job-complete`.
 * {@linkcode waitForJob} is for jobs that are started in another way.
 *
 * An abort rejects at once, and cancels the job, which takes the server a while.
 * A command that has not been sent yet is never sent.
 *
 * @throws {JobError} The job failed, or was cancelled.
 * @throws {ExecuteError} The server refuses the command.
 * @throws {ExecInterruptedError} The session ended first.
 * @throws {StateError} The session is not running.
 * @throws {TypeError} The arguments have no `job-id`, or no JSON text.
 * @throws The signal's reason, when it is aborted, or an error of `onStatus`.
 *
 * @example A copy of a disk
 * ```ts
 * import { QMPClient, QMPServer, runJob } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: {
 *     "blockdev-backup": async ({ "job-id": id }, { server }) => {
 *       await server.emit("BLOCK_JOB_COMPLETED", { device: id, len: 512 });
 *       await server.emit("JOB_STATUS_CHANGE", { id, status: "concluded" });
 *     },
 *   },
 * });
 * const transport = memory(); // or unix({ path: "/run/vm.sock" })
 * server.serve(await transport.listen());
 *
 * await using client = new QMPClient();
 * await client.connect(transport);
 * const { data } = await runJob(client, "blockdev-backup", {
 *   "job-id": "backup",
 *   device: "disk",
 *   target: "copy",
 *   sync: "full",
 * });
 * assertEquals(data?.len, 512);
 * ```
 */
export async function runJob<S extends QMPSchema, C extends CommandName<S>>(
  client: QMPClient<S>,
  command: C,
  args: CommandArguments<S, C>,
  options: JobOptions = {},
): Promise<QMPEvent> {
  const { onStatus, signal } = options;
  signal?.throwIfAborted();
  const job = new Job(client as unknown as QMPClient, command, args, onStatus);
  try {
    return await abortable(job.outcome, signal);
  } catch (error) {
    if (signal?.aborted) job.cancel(signal.reason);
    throw error;
  }
}

/** A job from the command that starts it to its end. */
class Job {
  /** Settles when the job has ended, even if the caller no longer waits. */
  readonly outcome: Promise<QMPEvent>;
  readonly #client: QMPClient;
  readonly #id: string;
  readonly #takeBack = new AbortController();
  #sent = false;

  constructor(
    client: QMPClient,
    command: string,
    args: object,
    onStatus: ((status: JobStatus) => void) | undefined,
  ) {
    const { "job-id": id }: { "job-id"?: unknown } = args;
    if (typeof id !== "string") {
      throw new TypeError(
        `Cannot run ${command} as a job: job-id is ${
          show(id)
        }, expected a string; waitForJob() waits for jobs of other commands`,
      );
    }
    this.#client = client;
    this.#id = id;
    this.outcome = this.#run(command, args, onStatus);
    this.outcome.catch(() => {}); // After an abort it is not awaited.
  }

  cancel(reason: unknown): void {
    if (!this.#sent) this.#takeBack.abort(reason);
    // If the job or the session has ended, there is nothing to cancel.
    else this.#client.execute("job-cancel", { id: this.#id }).catch(() => {});
  }

  async #run(
    command: string,
    args: object,
    onStatus: ((status: JobStatus) => void) | undefined,
  ): Promise<QMPEvent> {
    using watch = new JobWatch(this.#client, this.#id, onStatus);
    await this.#client.execute(command, args, {
      signal: this.#takeBack.signal,
      onSent: () => this.#sent = true,
    });
    try {
      return await watch.follow();
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) throw error;
      const { cause } = error;
      throw new ExecInterruptedError({ execute: command }, true, { cause });
    }
  }
}
