import { EndOfStreamError } from "../protocol/errors.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { isObject } from "./_wire/client_codec.ts";
import { abortable } from "./_client/wait.ts";
import type { QMPClient } from "./client.ts";
import { ExecInterruptedError, JobError } from "./errors.ts";
import type { QMPEvent } from "./messages.ts";
import type {
  AnySchema,
  CommandArguments,
  CommandName,
  QMPSchema,
} from "./schema.ts";

/**
 * Executes a command that starts a job, and resolves when the job has done its
 * work, with the event that says so: `BLOCK_JOB_COMPLETED`, or the
 * `JOB_STATUS_CHANGE` to `concluded` of a job that has no such event and which
 * is then dismissed. One that is ready and waits to be completed, such as a
 * mirror, still has to be told `job-complete`.
 *
 * An abort rejects at once, and has the job cancelled, which takes the server a
 * while; a command that has not been sent yet is taken back.
 *
 * @throws {JobError} The job failed, or was cancelled.
 * @throws {ExecuteError} The server refuses the command.
 * @throws {ExecInterruptedError} The session ended first.
 * @throws {StateError} The session is not running.
 * @throws {TypeError} The arguments have no `job-id`, or no JSON text.
 * @throws The signal's reason, when it is aborted.
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
  options: WaitOptions = {},
): Promise<QMPEvent> {
  const { signal } = options;
  signal?.throwIfAborted();
  const job = new Job(client as unknown as QMPClient, command, args);
  try {
    return await abortable(job.outcome, signal);
  } catch (error) {
    if (signal?.aborted) job.cancel(signal.reason);
    throw error;
  }
}

/** A job from the command that starts it to its end. */
class Job {
  /** Settles when the job has ended, also when nobody waits any more. */
  readonly outcome: Promise<QMPEvent>;
  readonly #client: QMPClient<AnySchema>;
  readonly #id: string;
  readonly #takeBack = new AbortController();
  #sent = false;

  constructor(client: QMPClient, command: string, args: object) {
    const { "job-id": id }: { "job-id"?: unknown } = args;
    if (typeof id !== "string") {
      throw new TypeError(`Cannot run ${command}: job-id is ${id}`);
    }
    this.#client = client;
    this.#id = id;
    this.outcome = this.#run(command, args);
    this.outcome.catch(() => {}); // Nobody may be there to hear of it.
  }

  cancel(reason: unknown): void {
    if (!this.#sent) this.#takeBack.abort(reason);
    // The job may have ended, or the session: there is nothing to cancel then.
    else this.#client.execute("job-cancel", { id: this.#id }).catch(() => {});
  }

  async #run(command: string, args: object): Promise<QMPEvent> {
    const events = ["JOB_STATUS_CHANGE", ...BLOCK_JOB_ENDS];
    using listener = this.#client.listen(events, {
      filter: ({ data }) => data?.id === this.#id || data?.device === this.#id,
    });
    await this.#client.execute(command, args, {
      signal: this.#takeBack.signal,
      onSent: () => this.#sent = true,
    });
    let last: QMPEvent | undefined;
    try {
      for (;;) {
        const event = await listener.next();
        if (event.data?.status === "concluded") {
          return last ? completed(last, this.#id) : await this.#dismiss(event);
        }
        if (BLOCK_JOB_ENDS.includes(event.event)) last = event;
      }
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) throw error;
      const { cause } = error;
      throw new ExecInterruptedError({ execute: command }, true, { cause });
    }
  }

  /** Ends a job that stays until it is dismissed. */
  async #dismiss(concluded: QMPEvent): Promise<QMPEvent> {
    const jobs = await this.#client.execute("query-jobs");
    const job: unknown = Array.isArray(jobs)
      ? jobs.find((job) => isObject(job) && job.id === this.#id)
      : undefined;
    await this.#client.execute("job-dismiss", { id: this.#id });
    if (isObject(job) && job.error !== undefined) {
      throw new JobError(this.#id, String(job.error));
    }
    return concluded;
  }
}

/** How a block job ends; just before it is concluded. */
const BLOCK_JOB_ENDS = ["BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"];

/** The event, where it tells of success. */
function completed(event: QMPEvent, id: string): QMPEvent {
  if (event.event === "BLOCK_JOB_CANCELLED") throw new JobError(id);
  const { error } = event.data ?? {};
  if (error !== undefined) throw new JobError(id, String(error));
  return event;
}
