import { EndOfStreamError } from "../protocol/errors.ts";
import { show } from "../protocol/_util/show.ts";
import { JobWatch } from "./_client/job_watch.ts";
import type { CommandOptions } from "./_client/pending_commands.ts";
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
 * An abort rejects at once, and cancels the job once the server has started it,
 * which takes a while. A command that has not been sent yet is never sent.
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
  readonly #watch: JobWatch;
  /** Settles when the server has answered the command. */
  readonly #started: Promise<unknown>;
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
    this.#watch = new JobWatch(client, id, onStatus);
    const options: CommandOptions = {
      signal: this.#takeBack.signal,
      onSent: () => this.#sent = true,
      onReply: () => this.#watch.start(),
    };
    this.#started = client.execute(command, args, options);
    this.outcome = this.#follow(command);
    this.outcome.catch(() => {}); // After an abort it is not awaited.
  }

  cancel(reason: unknown): void {
    if (this.#sent) this.#cancelStarted().catch(() => {});
    else this.#takeBack.abort(reason);
  }

  /** Cancels the job unless it has ended: another job may have its id. */
  async #cancelStarted(): Promise<void> {
    await this.#started;
    if (this.#watch.ended) return;
    await this.#client.execute("job-cancel", { id: this.#id });
  }

  async #follow(command: string): Promise<QMPEvent> {
    using watch = this.#watch;
    await this.#started;
    try {
      return await watch.follow();
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) throw error;
      const { cause } = error;
      throw new ExecInterruptedError({ execute: command }, true, { cause });
    }
  }
}
