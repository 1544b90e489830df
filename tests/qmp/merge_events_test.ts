import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { mergeEvents, QMPClient, reconnecting } from "../../qmp/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { event, runningClient, Script } from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";

/** Two running clients, called one and two, and the scripts at their other ends. */
async function twoClients() {
  const one = await runningClient({ name: "one" });
  const two = await runningClient({ name: "two" });
  return {
    clients: [one.client, two.client],
    one: one.server,
    two: two.server,
    async [Symbol.asyncDispose]() {
      for (const { client, server } of [one, two]) {
        await client[Symbol.asyncDispose]();
        await server.end();
      }
    },
  };
}

/** Events as a test compares them. */
function labels(events: { event: string; from: { name?: string } }[]) {
  return events.map(({ event, from }) => `${event} from ${from.name}`);
}

Deno.test("mergeEvents() yields the events of several clients as they arrive, each with its client", async () => {
  await using both = await twoClients();
  using merged = mergeEvents(both.clients);
  both.two.send(event("A", { size: 1 }));
  assertEquals((await merged.next()).data, { size: 1 });
  both.one.send(event("B"), event("C"));
  await merged.next("C");
  both.two.send(event("D"));
  await merged.next("D");
  assertEquals(labels([...merged.history]), [
    "A from two",
    "B from one",
    "C from one",
    "D from two",
  ]);
});

Deno.test("mergeEvents() takes nothing from the clients' own listeners", async () => {
  await using both = await twoClients();
  using merged = mergeEvents(both.clients);
  both.one.send(event("A"));
  await merged.next();
  assertEquals(
    both.clients[0]?.events.clear().map(({ event }) => event),
    ["A"],
  );
});

Deno.test("mergeEvents() selects events by names and by filter", async () => {
  await using both = await twoClients();
  using merged = mergeEvents(both.clients, ["A", "END"], {
    filter: ({ event, from }) => event === "END" || from.name === "two",
  });
  both.one.send(event("A"), event("B"), event("END"));
  await merged.next("END");
  both.two.send(event("B"), event("A"), event("END"));
  await merged.next("END");
  assertEquals(labels(merged.clear()), ["A from two"]);
});

Deno.test("mergeEvents() has one limit for all, and counts dropped events", async () => {
  await using both = await twoClients();
  using merged = mergeEvents(both.clients, undefined, { limit: 2 });
  both.one.send(event("A"), event("B"));
  both.two.send(event("C"), event("D"));
  await turns();
  assertEquals(merged.dropped, 2);
  assertEquals(merged.clear().length, 2);
  assertThrows(
    () => mergeEvents(both.clients, undefined, { limit: 0 }),
    RangeError,
    "limit is 0",
  );
});

Deno.test("mergeEvents() has one bound in bytes for all", async () => {
  await using both = await twoClients();
  using merged = mergeEvents(both.clients, undefined, { maxBytes: 2_000 });
  const text = "x".repeat(800);
  both.one.send(event("A", { text }), event("B", { text }));
  both.two.send(event("C", { text }), event("D", { text }));
  await turns();
  assertEquals(merged.dropped, 2);
  assertEquals(merged.history.length, 2);
  assertEquals(merged.clear().length, 2);
});

Deno.test("mergeEvents() ends when the last client's session has ended, with its cause", async () => {
  await using both = await twoClients();
  const merged = mergeEvents(both.clients);
  both.two.send(event("A"));
  await turns();
  await both.two.end();
  await turns();
  assert(!merged.closed);
  both.one.send(event("B"));
  await turns();
  await both.one.end();
  const all = await Array.fromAsync(merged);
  assertEquals(labels(all), ["A from two", "B from one"]);
  const error = await assertRejects(() => merged.next(), EndOfStreamError);
  assertStrictEquals(error.cause, both.clients[0]?.signal.reason);
});

Deno.test("mergeEvents() without clients ends at once", async () => {
  assertEquals(await Array.fromAsync(mergeEvents([])), []);
});

Deno.test("close() of merged events removes its listeners, and ends waits", async () => {
  await using both = await twoClients();
  let heard = 0;
  const merged = mergeEvents(both.clients, undefined, {
    filter: () => ++heard > 0,
  });
  const waiting = assertRejects(() => merged.next(), EndOfStreamError);
  merged.close();
  await waiting;
  both.one.send(event("A"));
  await both.clients[0]?.events.next("A");
  assertEquals(heard, 0);
});

Deno.test("the signal of merged events ends them with its reason, and keeps no listener", async () => {
  await using both = await twoClients();
  const watched = new WatchedSignal();
  const { signal } = watched;
  const merged = mergeEvents(both.clients, undefined, { signal });
  const waiting = assertRejects(() => merged.next());
  const reason = new Error("Enough");
  watched.abort(reason);
  assertStrictEquals(await waiting, reason);
  assertEquals(watched.listeners, 0);
  assert(mergeEvents(both.clients, undefined, { signal }).closed);
});

Deno.test("mergeEvents() of reconnections goes on from session to session", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  const connection = reconnecting(client, transport, { initialDelay: 0 });
  const merged = mergeEvents([connection]);
  for (const name of ["FIRST", "SECOND"]) {
    const server = await Script.over(await listener.accept());
    await server.shakeHands();
    server.send(event(name));
    const heard = await merged.next();
    assertEquals(heard.event, name);
    assertStrictEquals(heard.from, connection);
    await server.end();
  }
  await connection[Symbol.asyncDispose]();
  assertEquals(await Array.fromAsync(merged), []);
  await listener.close();
});

Deno.test("merged events of typed clients have the types of their schema", async () => {
  interface Schema {
    commands: { stop: { arguments: object; returns: object } };
    events: { STOP: undefined; RESIZED: { size: number } };
  }
  const client = new QMPClient<Schema>();
  using resized = mergeEvents([client], "RESIZED");
  // @ts-expect-error There is no such event.
  mergeEvents([client], "RESIZE").close();
  const [near, far] = memoryPair();
  const server = await Script.over(far);
  await Promise.all([client.connect(near), server.shakeHands()]);
  server.send(event("RESIZED", { size: 5 }));
  const { data, from } = await resized.next();
  const size: number = data.size;
  assertEquals(size, 5);
  const stopped: object = from.execute("stop");
  server.answer(await server.command());
  assertEquals(await stopped, {});
  await client.disconnect();
  await server.end();
});
