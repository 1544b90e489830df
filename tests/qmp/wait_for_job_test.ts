import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  CallInterruptedError,
  EndOfStreamError,
  StateError,
} from "../../protocol/mod.ts";
import {
  ExecuteError,
  JobError,
  QMPClient,
  waitForJob,
} from "../../qmp/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { connected } from "../support/qmp/connected.ts";
import { needs, startStorageDaemon } from "../support/servers/qemu.ts";
import {
  addDisk,
  DISK_SIZE,
  statusChange,
  waitingClient,
} from "../support/qmp/jobs.ts";
import {
  assertNextIsServed,
  event,
  type Message,
  runningClient,
} from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";

const daemon = needs("qemu-storage-daemon");

/** The entry of query-jobs for a job. */
function job(status: string, more: Message = {}): Message {
  const progress = { "current-progress": 0, "total-progress": 0 };
  return { id: "job", type: "backup", status, ...progress, ...more };
}

const missing = "Job job failed: the server has no such job";

Deno.test({
  name:
    "waitForJob() waits for the jobs of a transaction, which may have ended already",
  ...daemon,
  fn: async () => {
    await using server = await startStorageDaemon();
    await using client = await connected(server);
    const { folder } = server.process;
    for (const name of ["a", "b", "copy-a", "copy-b"]) {
      await addDisk(client, folder, name);
    }
    const actions = ["a", "b"].map((id) => ({
      type: "blockdev-backup",
      data: { "job-id": id, device: id, target: `copy-${id}`, sync: "full" },
    }));
    await client.execute("transaction", { actions });
    const ends = await Promise.all(
      ["a", "b"].map((id) => waitForJob(client, id)),
    );
    assertEquals(ends.map((end) => end?.data?.device), ["a", "b"]);
    assertEquals(ends.map((end) => end?.event), [
      "BLOCK_JOB_COMPLETED",
      "BLOCK_JOB_COMPLETED",
    ]);
    // They have certainly ended now, and are gone.
    const again = await waitForJob(client, "a");
    assertEquals(again?.data?.device, "a");
    const error = await assertRejects(() => waitForJob(client, "c"), JobError);
    assertEquals(error.message, "Job c failed: the server has no such job");
  },
});

Deno.test({
  name:
    "waitForJob() waits for a job that another session has started, running or concluded",
  ...daemon,
  fn: async () => {
    await using server = await startStorageDaemon();
    const { folder } = server.process;
    const create = (client: QMPClient, id: string, filename: string) =>
      client.execute("blockdev-create", {
        "job-id": id,
        options: { driver: "file", filename, size: DISK_SIZE },
      });
    {
      await using first = await connected(server);
      for (const name of ["disk", "copy"]) await addDisk(first, folder, name);
      const concluded = first.events.next("JOB_STATUS_CHANGE", {
        filter: ({ data }) =>
          data?.id === "good" && data.status === "concluded",
      });
      const failed = first.events.next("JOB_STATUS_CHANGE", {
        filter: ({ data }) => data?.id === "bad" && data.status === "concluded",
      });
      await create(first, "good", `${folder}/good`);
      await create(first, "bad", `${folder}/none/bad`);
      await Promise.all([concluded, failed]);
      await first.execute("blockdev-backup", {
        "job-id": "slow",
        device: "disk",
        target: "copy",
        sync: "full",
        speed: 1,
      });
    }
    await using client = await connected(server);
    assertEquals(await waitForJob(client, "good"), undefined);
    const error = await assertRejects(
      () => waitForJob(client, "bad"),
      JobError,
    );
    assertEquals(
      error.description,
      `Could not create '${folder}/none/bad': No such file or directory`,
    );
    const statuses: string[] = [];
    const slow = waitForJob(client, "slow", {
      onStatus: (status) => statuses.push(status),
    });
    await client.execute("block-job-set-speed", { device: "slow", speed: 0 });
    assertEquals((await slow)?.event, "BLOCK_JOB_COMPLETED");
    assertEquals(statuses, ["running", "waiting", "pending", "concluded"]);
    assertEquals(await client.execute("query-jobs"), []);
  },
});

Deno.test("waitForJob() calls onStatus with the job's status, and with each that follows", async () => {
  const { client, server, waiting, query, statuses } = await waitingClient();
  assertEquals(query.execute, "query-jobs");
  server.answer(query, [{ ...job("running"), id: "other" }, job("running")]);
  server.send(statusChange("job", "ready"), statusChange("other", "concluded"));
  server.send(event("BLOCK_JOB_COMPLETED", { device: "job", len: 1 }));
  server.send(statusChange("job", "concluded"));
  assertEquals((await waiting)?.data, { device: "job", len: 1 });
  assertEquals(statuses, ["running", "ready", "concluded"]);
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() calls onStatus once for a status in both an event and query-jobs", async () => {
  const { client, server, waiting, query, statuses } = await waitingClient();
  server.send(statusChange("job", "running"), statusChange("job", "ready"));
  server.answer(query, [job("ready")]);
  server.send(event("BLOCK_JOB_COMPLETED", { device: "job", len: 1 }));
  server.send(statusChange("job", "concluded"));
  await waiting;
  assertEquals(statuses, ["running", "ready", "concluded"]);
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() handles a job that ends before query-jobs is answered", async () => {
  const { client, server } = await runningClient();
  const waiting = waitForJob(client, "job");
  const query = await server.command();
  server.send(event("BLOCK_JOB_COMPLETED", { device: "job", error: "Full" }));
  server.send(statusChange("job", "concluded"), statusChange("job", "null"));
  server.answer(query, []);
  const error = await assertRejects(() => waiting, JobError);
  assertEquals(error.description, "Full");
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() uses the event of a job that ended before the call", async () => {
  const { client, server } = await runningClient();
  server.send(event("BLOCK_JOB_COMPLETED", { device: "job", len: 1 }));
  server.send(event("BLOCK_JOB_CANCELLED", { device: "job" }));
  server.send(statusChange("job", "concluded"));
  await client.listen("JOB_STATUS_CHANGE").next();
  for (const later of [[], [statusChange("job", "null")]]) {
    const waiting = waitForJob(client, "job");
    const query = await server.command();
    server.send(...later);
    server.answer(query, []);
    const error = await assertRejects(() => waiting, JobError);
    assertEquals(error.message, "Job job was cancelled");
  }
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() does not dismiss a block job that is concluded and stays", async () => {
  const { client, server } = await runningClient();
  const waiting = waitForJob(client, "job");
  server.answer(await server.command(), [job("concluded")]);
  assertEquals(await waiting, undefined);
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("waitForJob() returns the outcome of a job that another client dismisses", async () => {
  const { client, server } = await runningClient();
  const waiting = waitForJob(client, "job");
  const concluded = job("concluded", { type: "create", error: "Full" });
  server.answer(await server.command(), [concluded]);
  const dismiss = await server.command();
  assertEquals(dismiss.execute, "job-dismiss");
  server.refuse(dismiss, "DeviceNotFound", "Job not found");
  const error = await assertRejects(() => waiting, JobError);
  assertEquals(error.description, "Full");
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() rejects if the server has no such job, or no jobs", async () => {
  const { client, server } = await runningClient();
  for (const jobs of [[], [{ id: "other" }], null, [null], "jobs"]) {
    const waiting = waitForJob(client, "job");
    server.answer(await server.command(), jobs);
    const error = await assertRejects(() => waiting, JobError);
    assertEquals(error.message, missing);
  }
  const waiting = waitForJob(client, "job");
  server.refuse(await server.command(), "CommandNotFound", "No");
  await assertRejects(() => waiting, ExecuteError);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted waitForJob() rejects with the reason, and the job goes on", async () => {
  for (const when of ["queried", "running"]) {
    const { client, server } = await runningClient();
    const signal = new WatchedSignal();
    const waiting = waitForJob(client, "job", { signal: signal.signal });
    const query = await server.command();
    if (when === "running") {
      server.answer(query, [job("running")]);
      await turns();
    }
    const reason = new Error("Mine");
    signal.abort(reason);
    assertStrictEquals(await rejection(waiting), reason);
    assertEquals(signal.listeners, 0);
    const concluded = job("concluded", { type: "create" });
    if (when === "queried") server.answer(query, [concluded]);
    else server.send(statusChange("job", "concluded"));
    await turns();
    await assertNextIsServed(client, server);
    await client.disconnect();
    await server.end();
  }
  const signal = AbortSignal.abort("Mine");
  const client = new QMPClient();
  assertEquals(await rejection(waitForJob(client, "job", { signal })), "Mine");
});

Deno.test("waitForJob() rejects when the session ends first, and without a session", async () => {
  const { client, server } = await runningClient();
  const waiting = waitForJob(client, "job");
  server.answer(await server.command(), [job("running")]);
  await turns();
  await server.end();
  const error = await assertRejects(() => waiting, CallInterruptedError);
  assertEquals(
    error.message,
    "Cannot wait for job job: Peer ended the stream",
  );
  assertInstanceOf(error.cause, EndOfStreamError);
  await assertRejects(() => waitForJob(client, "job"), StateError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});
