import { CallInterruptedError, EndOfStreamError } from "../protocol/errors.ts";
import { printable } from "../protocol/_util/printable.ts";
import { JobWatch } from "./_client/job_watch.ts";
import { abortable } from "./_client/wait.ts";
import { messageOf } from "./_wire/failure.ts";
import type { QMPClient } from "./client.ts";
import type { JobOptions } from "./job_status.ts";
import type { QMPEvent } from "./messages.ts";
import type { QMPSchema } from "./schema.ts";

/**
 * Waits for a job that has been started: by a `transaction`, by another client,
 * or in an earlier session. It resolves when the job has succeeded, with the same
 * event as {@linkcode runJob}. If the job had concluded before, and there was no
 * event with its outcome, it resolves with `undefined`.
 *
 * A job that stays until it is dismissed is dismissed. An abort rejects at once;
 * the job goes on.
 *
 * @throws {JobError} The job failed, was cancelled, or the server has no such job.
 * @throws {ExecuteError} The server has no jobs.
 * @throws {CallInterruptedError} The session ended first.
 * @throws {StateError} The session is not running.
 * @throws The signal's reason, when it is aborted, or an error of `onStatus`.
 *
 * @example Two backups that start at one moment
 * ```ts
 * import { QMPClient, QMPServer, waitForJob } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: {
 *     transaction: async (_, { server }) => {
 *       for (const id of ["one", "two"]) {
 *         await server.emit("BLOCK_JOB_COMPLETED", { device: id, len: 512 });
 *         await server.emit("JOB_STATUS_CHANGE", { id, status: "concluded" });
 *       }
 *     },
 *     "query-jobs": () => [],
 *   },
 * });
 * const transport = memory(); // or unix({ path: "/run/vm.sock" })
 * server.serve(await transport.listen());
 *
 * await using client = new QMPClient();
 * await client.connect(transport);
 * const actions = ["one", "two"].map((id) => ({
 *   type: "blockdev-backup",
 *   data: { "job-id": id, device: `disk-${id}`, target: id, sync: "full" },
 * }));
 * await client.execute("transaction", { actions });
 * for (const id of ["one", "two"]) {
 *   const end = await waitForJob(client, id);
 *   assertEquals(end?.data?.device, id);
 * }
 * ```
 */
export async function waitForJob<S extends QMPSchema>(
  client: QMPClient<S>,
  id: string,
  options: JobOptions = {},
): Promise<QMPEvent | undefined> {
  const { onStatus, signal } = options;
  signal?.throwIfAborted();
  using watch = new JobWatch(client as unknown as QMPClient, id, onStatus);
  try {
    return await abortable(watch.followStarted(), signal);
  } catch (error) {
    if (!(error instanceof EndOfStreamError)) throw error;
    const { cause } = error;
    const message = `Cannot wait for job ${id}: ${messageOf(cause)}`;
    throw new CallInterruptedError(printable(message), { cause });
  }
}
