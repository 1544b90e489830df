import { assertEquals, assertRejects } from "@std/assert";
import {
  ExecuteError,
  JobError,
  type QMPEvent,
  runJob,
  waitForJob,
} from "../../qmp/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { statusChange, waitingClient } from "../support/qmp/jobs.ts";
import {
  assertNextIsServed,
  event,
  type Message,
  runningClient,
  type Script,
} from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";

// One id may be that of several jobs, one after the other: of ours, and of
// another client's.

const args = { "job-id": "job" };

/** The events of a block job's life after its creation. */
function life(len: number): Message[] {
  return [
    statusChange("job", "running"),
    event("BLOCK_JOB_COMPLETED", { device: "job", len }),
    statusChange("job", "concluded"),
    statusChange("job", "null"),
  ];
}

const creation = statusChange("job", "created");

/** The entry of query-jobs for a job that would be dismissed. */
function concluded(error: string): Message {
  return { id: "job", type: "create", status: "concluded", error };
}

/** The length that a job's last event reports. */
async function lengthOf(
  outcome: Promise<QMPEvent | undefined>,
): Promise<unknown> {
  return (await outcome)?.data?.len;
}

/** Starts a job whose command is not answered yet. */
async function startJob(name = "blockdev-backup") {
  const { client, server } = await runningClient();
  const aborter = new AbortController();
  const statuses: string[] = [];
  const job = runJob(client, name, args, {
    signal: aborter.signal,
    onStatus: (status) => statuses.push(status),
  });
  const command = await server.command();
  return { client, server, aborter, job, command, statuses };
}

/** Asserts that the next command is a `job-cancel`, and answers it. */
async function assertCancels(server: Script): Promise<void> {
  const cancel = await server.command();
  assertEquals(cancel.execute, "job-cancel");
  assertEquals(cancel.arguments, { id: "job" });
  server.answer(cancel);
}

Deno.test("an aborted runJob() cancels no job if its command is refused", async () => {
  const { client, server, aborter, job, command } = await startJob();
  aborter.abort("Mine");
  assertEquals(await rejection(job), "Mine");
  server.refuse(command, "GenericError", "Job ID 'job' already in use");
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("a runJob() that is aborted before the answer cancels the job after it", async () => {
  const { client, server, aborter, job, command } = await startJob();
  aborter.abort("Mine");
  assertEquals(await rejection(job), "Mine");
  server.send(creation);
  server.answer(command);
  await assertCancels(server);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted runJob() cancels its job, not the end of an earlier one", async () => {
  const { client, server, aborter, job, command } = await startJob();
  server.send(statusChange("job", "concluded"), creation);
  server.answer(command);
  await turns();
  aborter.abort("Mine");
  assertEquals(await rejection(job), "Mine");
  await assertCancels(server);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted runJob() cancels no job if its own has ended", async () => {
  const { client, server, aborter, job, command } = await startJob();
  server.send(creation);
  server.answer(command);
  server.send(statusChange("job", "concluded"));
  const query = await server.command();
  assertEquals(query.execute, "query-jobs");
  aborter.abort("Mine");
  assertEquals(await rejection(job), "Mine");
  server.send(statusChange("job", "null"), creation);
  server.answer(query, [concluded("Theirs")]);
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() has the outcome of its job, not of the next one with its id", async () => {
  const { client, server, job, command, statuses } = await startJob();
  server.send(creation);
  server.answer(command);
  server.send(...life(1), creation, ...life(2));
  assertEquals(await lengthOf(job), 1);
  assertEquals(statuses, ["created", "running", "concluded"]);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() follows a job that is created after its command is answered", async () => {
  const { client, server, job, command, statuses } = await startJob();
  server.answer(command);
  server.send(creation, ...life(1));
  assertEquals(await lengthOf(job), 1);
  assertEquals(statuses, ["created", "running", "concluded"]);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() ends, and dismisses nothing, if another job has its id", async () => {
  const { client, server, job, command } = await startJob("blockdev-create");
  server.send(creation);
  server.answer(command);
  server.send(statusChange("job", "concluded"));
  const query = await server.command();
  server.send(statusChange("job", "null"), creation);
  server.answer(query, [concluded("Theirs")]);
  const error = await assertRejects(() => job, JobError);
  assertEquals(error.message, "Job job failed: the server has no such job");
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("runJob() ends when another job has its id, also without an event of its end", async () => {
  const { client, server, job, command } = await startJob();
  server.send(creation);
  server.answer(command);
  server.send(statusChange("job", "running"), creation);
  await assertRejects(() => job, JobError, "the server has no such job");
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() has the outcome of its job, not of the next one with its id", async () => {
  const { client, server, waiting, query, statuses } = await waitingClient();
  server.send(...life(1), creation, statusChange("job", "ready"));
  server.answer(query, [{ id: "job", type: "backup", status: "ready" }]);
  assertEquals(await lengthOf(waiting), 1);
  assertEquals(statuses, ["running", "concluded"]);
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() uses the event of its job, also if another has its id now", async () => {
  const { client, server } = await runningClient();
  server.send(...life(1).slice(0, 2));
  await client.events.next("BLOCK_JOB_COMPLETED");
  const waiting = waitForJob(client, "job");
  const query = await server.command();
  server.send(...life(1).slice(2), creation, ...life(2));
  server.answer(query, [concluded("Theirs")]);
  assertEquals(await lengthOf(waiting), 1);
  await client.disconnect();
  await server.end();
});

Deno.test("waitForJob() follows a job that is created before the server is asked", async () => {
  const { client, server } = await runningClient();
  const start = client.execute("blockdev-backup", args);
  const waiting = waitForJob(client, "job");
  server.send(creation);
  server.answer(await server.command());
  await start;
  const query = await server.command();
  server.answer(query, [{ id: "job", type: "backup", status: "created" }]);
  server.send(...life(1));
  assertEquals(await lengthOf(waiting), 1);
  await client.disconnect();
  await server.end();
});

Deno.test("a refused runJob() rejects with the refusal while another job runs", async () => {
  const { client, server, job, command } = await startJob();
  server.send(...life(1));
  server.refuse(command, "GenericError", "Job ID 'job' already in use");
  await assertRejects(() => job, ExecuteError, "already in use");
  await client.disconnect();
  await server.end();
});
