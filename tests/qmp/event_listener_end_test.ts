import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { QMPClient, type QMPEventListener } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { event, runningClient, Script } from "../support/qmp/qmp_script.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rest } from "../support/qmp/event_names.ts";

Deno.test("listeners end with the session, after the queued events have been read", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen();
  const waiting = client.listen("NEVER").next();
  server.send(event("ONE"), event("TWO"));
  await server.end();
  // The pending promises are not awaited for a while: no unhandled rejection.
  await new Promise((resolve) => setTimeout(resolve));
  const error = await assertRejects(() => waiting, EndOfStreamError);
  assertStrictEquals(error.cause, client.signal.reason);
  assert(listener.closed);
  assertEquals(await rest(listener), ["ONE", "TWO"]);
  assertEquals(await rest(client.events), ["ONE", "TWO"]);
  assertEquals(await rest(client.events), []);
  await assertRejects(() => listener.next(), EndOfStreamError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  assertEquals(await rest(client.events), []);
});

Deno.test("iterations end at disconnect()", async () => {
  const { client, server } = await runningClient();
  const iteration = rest(client.events);
  server.send(event("ONE"));
  await client.listen().next();
  await client.disconnect();
  assertEquals(await iteration, ["ONE"]);
  await server.end();
});

Deno.test("client.events is new in each session", async () => {
  const client = new QMPClient();
  const seen = [];
  for (let round = 0; round < 3; round++) {
    const [near, far] = memoryPair();
    const server = await Script.over(far);
    server.send(event(`E${round}`));
    await Promise.all([client.connect(near), server.shakeHands()]);
    await client.disconnect();
    seen.push(await rest(client.events));
    await server.end();
  }
  assertEquals(seen, [["E0"], ["E1"], ["E2"]]);
});

Deno.test("after break, the next iteration goes on with the next event", async () => {
  const { client, server } = await runningClient();
  server.send(event("ONE"), event("TWO"), event("THREE"));
  for await (const { event } of client.events) {
    if (event === "TWO") break;
  }
  assertEquals((await client.events.next()).event, "THREE");
  await client.disconnect();
  await server.end();
});

Deno.test("return() ends a waiting iteration", async () => {
  const { client, server } = await runningClient();
  const iterator = client.events[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  assertEquals(await waiting, { done: true, value: undefined });
  server.send(event("ONE"));
  assertEquals((await client.events.next()).event, "ONE");
  await client.disconnect();
  await server.end();
});

Deno.test("the signal of a listener ends it with the reason, and keeps no listener", async () => {
  const { client, server } = await runningClient();
  const signal = new WatchedSignal();
  const reason = new Error("Enough");
  const listener = client.listen("STOP", { signal: signal.signal });
  const iteration = Array.fromAsync(listener);
  signal.abort(reason);
  assertStrictEquals(await assertRejects(() => iteration), reason);
  assertStrictEquals(await assertRejects(() => rest(listener)), reason);
  assertEquals(signal.listeners, 0);

  const other = new WatchedSignal();
  client.listen("STOP", { signal: other.signal });
  client.listen("STOP", { signal: other.signal }).close();
  assertEquals(other.listeners, 1);
  await client.disconnect();
  assertEquals(other.listeners, 0);
  assert(client.listen("STOP", { signal: signal.signal }).closed);
  await server.end();
});

Deno.test("close() drops queued events and ends waits; so does using", async () => {
  const { client, server } = await runningClient();
  let escaped: QMPEventListener | undefined;
  let interrupted: Promise<unknown> | undefined;
  {
    using listener = client.listen();
    escaped = listener;
    interrupted = assertRejects(() => listener.next("TWO"), EndOfStreamError);
    server.send(event("ONE"));
    await client.events.next();
  }
  await interrupted;
  assertEquals(await rest(escaped), []);
  const listener = client.listen();
  const waiting = listener.next("TWO");
  server.send(event("ONE"));
  await client.events.next();
  listener.close();
  listener.close();
  await assertRejects(() => waiting, EndOfStreamError);
  assertEquals(await rest(listener), []);
  await assertRejects(() => listener.next(), EndOfStreamError);
  const iteration = rest(client.events);
  client.events.close();
  assertEquals(await iteration, []);
  await client.disconnect();
  await server.end();
});
