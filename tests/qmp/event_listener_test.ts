import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { mergeReadableStreams } from "@std/streams";
import { QMPClient } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { event, runningClient, Script } from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";
import { queued, rest } from "../support/qmp/event_names.ts";

Deno.test("an event has its name, its data and its time", async () => {
  const { client, server } = await runningClient();
  server.send(event("BLOCK_JOB_COMPLETED", { len: 2n ** 60n }));
  assertEquals(await client.events.next(), {
    event: "BLOCK_JOB_COMPLETED",
    data: { len: 2n ** 60n },
    timestamp: { seconds: 1, microseconds: 2 },
  });
  await client.disconnect();
  await server.end();
});

Deno.test("each listener has its own queue of the events that it names, in order", async () => {
  const { client, server } = await runningClient();
  const all = client.listen();
  const stops = client.listen("STOP");
  const both = client.listen(["STOP", "RESUME"]);
  server.send(event("STOP"), event("RESUME"), event("RESET"), event("STOP"));
  await client.listen("STOP").next();
  await client.events.next("RESET");
  assertEquals(queued(all), ["STOP", "RESUME", "RESET", "STOP"]);
  assertEquals(queued(stops), ["STOP", "STOP"]);
  assertEquals(queued(both), ["STOP", "RESUME", "STOP"]);
  assertEquals(queued(client.events), ["STOP", "RESUME", "STOP"]);
  await client.disconnect();
  await server.end();
});

Deno.test("a filter applies in addition to the names", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen("JOB", {
    filter: ({ data }) => data?.id === "b",
  });
  server.send(event("JOB", { id: "a" }), event("JOB", { id: "b" }));
  assertEquals((await listener.next()).data, { id: "b" });
  assertEquals(listener.history.length, 1);
  await client.disconnect();
  await server.end();
});

Deno.test("a filter that throws closes its listener, and nothing else", async () => {
  const { client, server } = await runningClient();
  const mine = new Error("Mine");
  const listener = client.listen(undefined, {
    filter: () => {
      throw mine;
    },
  });
  const iteration = Array.fromAsync(listener);
  server.send(event("STOP"));
  assertStrictEquals(await assertRejects(() => iteration), mine);
  assertStrictEquals(await assertRejects(() => listener.next()), mine);
  assert(listener.closed);
  assertEquals((await client.events.next()).event, "STOP");
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});

Deno.test("a listener gets events from its creation on, also before connect()", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const before = client.listen();
  const server = await Script.over(far);
  server.send(event("ONE"));
  await Promise.all([client.connect(near), server.shakeHands()]);
  const after = client.listen();
  server.send(event("TWO"));
  await after.next();
  assertEquals(queued(before), ["ONE", "TWO"]);
  await client.disconnect();
  await server.end();
});

Deno.test("a listener that was made before a failed attempt gets the next session's events", async () => {
  const client = new QMPClient();
  const listener = client.listen();
  const [near, far] = memoryPair();
  await far.close();
  await assertRejects(() => client.connect(near));
  assertFalse(listener.closed);
  const [again, remote] = memoryPair();
  const server = await Script.over(remote);
  server.send(event("EARLY"));
  await Promise.all([client.connect(again), server.shakeHands()]);
  assertEquals((await listener.next()).event, "EARLY");
  await client.disconnect();
  await server.end();
});

Deno.test("an event without a name ends the session", async () => {
  const { client, server } = await runningClient();
  server.send({ event: 5 });
  const error = await assertRejects(() => client.closed, Error);
  assertEquals(error.message, 'Event has no name: {"event":5}');
  await assertRejects(() => client.disconnect());
  await server.end();
});

Deno.test("std's mergeReadableStreams gives the events of several clients", async () => {
  const one = await runningClient();
  const two = await runningClient();
  const merged = mergeReadableStreams(
    ReadableStream.from(one.client.events),
    ReadableStream.from(two.client.events),
  );
  const reading = rest(merged);
  one.server.send(event("ONE"));
  await turns();
  two.server.send(event("TWO"));
  await turns();
  await one.client.disconnect();
  await two.client.disconnect();
  assertEquals(await reading, ["ONE", "TWO"]);
  await one.server.end();
  await two.server.end();
});
