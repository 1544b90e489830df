import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { EndOfStreamError, StateError } from "../../protocol/mod.ts";
import {
  ExecInterruptedError,
  ExecuteError,
  JobError,
  QMPClient,
  runJob,
  waitForJob,
} from "../../qmp/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { connected } from "../support/qmp/connected.ts";
import { needs, startStorageDaemon } from "../support/servers/qemu.ts";
import { addDisk, DISK_SIZE, statusChange } from "../support/qmp/jobs.ts";
import {
  assertNextIsServed,
  event,
  runningClient,
} from "../support/qmp/qmp_script.ts";

const daemon = needs("qemu-storage-daemon");

const backup = {
  "job-id": "backup",
  device: "disk",
  target: "copy",
  sync: "full",
};

/** Runs with a storage daemon that has two empty disks: `disk` and `copy`. */
async function withDisks(
  run: (client: QMPClient, folder: string) => Promise<void>,
): Promise<void> {
  await using server = await startStorageDaemon();
  await using client = await connected(server);
  const { folder } = server.process;
  for (const name of ["disk", "copy"]) await addDisk(client, folder, name);
  await run(client, folder);
}

Deno.test({
  name: "runJob() resolves with the completion event of a backup",
  ...daemon,
  fn: () =>
    withDisks(async (client, folder) => {
      const text = "Is anybody there?";
      await Deno.writeTextFile(`${folder}/disk`, text, { create: false });
      await Deno.truncate(`${folder}/disk`, DISK_SIZE);
      const done = await runJob(client, "blockdev-backup", backup);
      assertEquals(done.event, "BLOCK_JOB_COMPLETED");
      assertEquals(done.data?.len, DISK_SIZE);
      const copy = await Deno.readTextFile(`${folder}/copy`);
      assertEquals(copy.slice(0, text.length), text);
    }),
});

Deno.test({
  name:
    "runJob() dismisses a job that would stay, whether it succeeded or failed",
  ...daemon,
  fn: () =>
    withDisks(async (client, folder) => {
      const create = (filename: string) =>
        runJob(client, "blockdev-create", {
          "job-id": "create",
          options: { driver: "file", filename, size: DISK_SIZE },
        });
      const done = await create(`${folder}/new`);
      assertEquals(done.event, "JOB_STATUS_CHANGE");
      assertEquals(done.data, { id: "create", status: "concluded" });
      assertEquals((await Deno.stat(`${folder}/new`)).size, DISK_SIZE);
      assertEquals(await client.execute("query-jobs"), []);

      const path = `${folder}/none/new`;
      const error = await assertRejects(() => create(path), JobError);
      assertEquals(
        error.message,
        `Job create failed: Could not create '${path}': No such file or directory`,
      );
      assertEquals(await client.execute("query-jobs"), []);
    }),
});

Deno.test({
  name: "runJob() rejects with the server's error if a backup fails",
  ...daemon,
  fn: () =>
    withDisks(async (client) => {
      await client.execute("blockdev-add", {
        driver: "blkdebug",
        "node-name": "full",
        image: "copy",
        "inject-error": [{ event: "none", iotype: "write", errno: 28 }],
      });
      const failing = runJob(client, "blockdev-backup", {
        ...backup,
        target: "full",
      });
      const error = await assertRejects(() => failing, JobError);
      assertEquals(
        error.message,
        "Job backup failed: No space left on device",
      );
      assertEquals(error.id, "backup");
      assertEquals(error.description, "No space left on device");
    }),
});

Deno.test({
  name: "runJob() rejects when the job is cancelled",
  ...daemon,
  fn: () =>
    withDisks(async (client) => {
      const job = runJob(client, "blockdev-backup", {
        ...backup,
        speed: 1,
      });
      const rejection = assertRejects(() => job, JobError);
      await client.execute("job-cancel", { id: "backup" });
      const error = await rejection;
      assertEquals(error.message, "Job backup was cancelled");
      assertEquals(error.description, undefined);
    }),
});

Deno.test({
  name: "an aborted runJob() rejects at once, and the server cancels the job",
  ...daemon,
  fn: () =>
    withDisks(async (client) => {
      const aborter = new AbortController();
      const cancelled = client.listen("BLOCK_JOB_CANCELLED").next();
      const running = client.listen("JOB_STATUS_CHANGE", {
        filter: ({ data }) => data?.status === "running",
      }).next();
      const job = runJob(client, "blockdev-backup", { ...backup, speed: 1 }, {
        signal: aborter.signal,
      });
      await running;
      const reason = new Error("Mine");
      aborter.abort(reason);
      assertStrictEquals(await assertRejects(() => job), reason);
      assertEquals((await cancelled).data?.device, "backup");
    }),
});

Deno.test("runJob() ignores other jobs", async () => {
  const { client, server } = await runningClient();
  const job = runJob(client, "blockdev-backup", backup);
  const command = await server.command();
  assertEquals(command.arguments, backup);
  server.send(event("BLOCK_JOB_COMPLETED", { device: "other", len: 1 }));
  server.send(statusChange("other", "concluded"));
  server.send(statusChange("backup", "running"));
  server.send(event("BLOCK_JOB_COMPLETED", { device: "backup", len: 2 }));
  server.send(statusChange("backup", "concluded"));
  server.answer(command);
  assertEquals((await job).data, { device: "backup", len: 2 });
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() ignores the late events of an earlier job with the same id", async () => {
  const { client, server } = await runningClient();
  const completed = (len: number) =>
    event("BLOCK_JOB_COMPLETED", { device: "backup", len });
  for (const len of [1, 2]) {
    const statuses: string[] = [];
    const onStatus = (status: string) => statuses.push(status);
    const job = runJob(client, "blockdev-backup", backup, { onStatus });
    const command = await server.command();
    server.send(
      completed(0),
      statusChange("backup", "concluded"),
      statusChange("backup", "null"),
      statusChange("backup", "created"),
    );
    server.answer(command);
    server.send(completed(len), statusChange("backup", "concluded"));
    assertEquals((await job).data?.len, len);
    assertEquals(statuses, ["created", "concluded"]);
  }
  await client.disconnect();
  await server.end();
});

Deno.test("the outcome of an earlier job with the same id does not count", async () => {
  const { client, server } = await runningClient();
  server.send(event("BLOCK_JOB_COMPLETED", { device: "backup" }));
  const job = runJob(client, "blockdev-create", { "job-id": "backup" });
  const command = await server.command();
  server.send(statusChange("backup", "created"));
  server.answer(command);
  server.send(statusChange("backup", "concluded"));
  server.answer(await server.command(), []); // Another client has dismissed it.
  await assertRejects(() => job, JobError, "the server has no such job");
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() calls onStatus with each status of the job, once", async () => {
  const { client, server } = await runningClient();
  const statuses: string[] = [];
  const onStatus = (status: string) => statuses.push(status);
  const job = runJob(client, "blockdev-backup", backup, { onStatus });
  const command = await server.command();
  server.send(
    statusChange("backup", "created"),
    statusChange("other", "concluded"),
  );
  server.answer(command);
  for (const name of ["running", "running", "waiting", "pending"]) {
    server.send(statusChange("backup", name));
  }
  server.send(event("BLOCK_JOB_COMPLETED", { device: "backup" }));
  server.send(
    statusChange("backup", "concluded"),
    statusChange("backup", "null"),
  );
  await job;
  assertEquals(statuses, [
    ...["created", "running", "waiting", "pending", "concluded"],
  ]);
  await client.disconnect();
  await server.end();
});

Deno.test("an error of onStatus rejects runJob() and waitForJob()", async () => {
  const { client, server } = await runningClient();
  const mine = new Error("Mine");
  const onStatus = () => {
    throw mine;
  };
  const job = runJob(client, "blockdev-backup", backup, { onStatus });
  server.answer(await server.command());
  server.send(statusChange("backup", "running"));
  assertStrictEquals(await assertRejects(() => job), mine);
  const waiting = waitForJob(client, "backup", { onStatus });
  const query = await server.command();
  server.answer(query, [{ id: "backup", status: "running", type: "backup" }]);
  assertStrictEquals(await assertRejects(() => waiting), mine);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() rejects with the server's refusal, and no longer waits", async () => {
  const { client, server } = await runningClient();
  const job = runJob(client, "blockdev-backup", backup);
  server.refuse(await server.command(), "DeviceNotFound", "No such disk");
  const error = await assertRejects(() => job, ExecuteError);
  assertEquals(error.errorClass, "DeviceNotFound");
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() rejects when the session ends before the job", async () => {
  const { client, server } = await runningClient();
  const job = runJob(client, "blockdev-backup", backup);
  const rejection = assertRejects(() => job, ExecInterruptedError);
  server.answer(await server.command());
  server.send(statusChange("backup", "running"));
  await client.events.next();
  await server.end();
  const error = await rejection;
  assert(error.sent);
  assertInstanceOf(error.cause, EndOfStreamError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("an abort of runJob() removes an unsent command", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const others = Array.from({ length: 7 }, () => client.execute("query-jobs"));
  const aborter = new AbortController();
  const job = runJob(client, "blockdev-backup", backup, {
    signal: aborter.signal,
  });
  aborter.abort("Mine");
  assertEquals(await job.catch((reason) => reason), "Mine");
  for (const _ of others) server.answer(await server.command());
  await Promise.all(others);
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() leaves no listener on the signal", async () => {
  const { client, server } = await runningClient();
  const watched = new WatchedSignal();
  const { signal } = watched;
  const job = runJob(client, "blockdev-backup", backup, { signal });
  server.answer(await server.command());
  server.send(event("BLOCK_JOB_COMPLETED", { device: "backup" }));
  server.send(statusChange("backup", "concluded"));
  await job;
  assertEquals(watched.listeners, 0);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() needs a job-id, a session, and a signal that is not aborted", async () => {
  const client = new QMPClient();
  const error = await assertRejects(
    () => runJob(client, "blockdev-backup", { device: "disk" }),
    TypeError,
  );
  assertEquals(
    error.message,
    "Cannot run blockdev-backup as a job: job-id is undefined, expected a " +
      "string; waitForJob() waits for jobs of other commands",
  );
  await assertRejects(
    () => runJob(client, "blockdev-backup", backup),
    StateError,
  );
  const signal = AbortSignal.abort("Mine");
  assertEquals(
    await runJob(client, "x", backup, { signal }).catch((reason) => reason),
    "Mine",
  );
});
