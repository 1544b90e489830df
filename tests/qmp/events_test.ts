import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { mergeReadableStreams } from "@std/streams";
import { EndOfStreamError } from "../../protocol/mod.ts";
import {
  QMPClient,
  type QMPEvent,
  type QMPEventListener,
} from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { event, runningClient, Script } from "../support/qmp_script.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";

/** The names of a listener's queued events, taken by `clear()`. */
function queued(listener: QMPEventListener): string[] {
  return listener.clear().map(({ event }) => event);
}

/** The names of all events that an iteration still yields. */
async function rest(listener: AsyncIterable<{ event: string }>) {
  return (await Array.fromAsync(listener)).map(({ event }) => event);
}

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

Deno.test("iterations end when we disconnect", async () => {
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

Deno.test("next() takes the first event of its names and keeps the others", async () => {
  const { client, server } = await runningClient();
  const { events } = client;
  const stop = events.next("STOP");
  const second = events.next(["STOP", "RESUME"]);
  server.send(event("RESET"), event("STOP"), event("RESUME"), event("STOP"));
  assertEquals((await stop).event, "STOP");
  assertEquals((await second).event, "RESUME");
  assertEquals((await events.next("STOP")).event, "STOP");
  assertEquals(queued(events), ["RESET"]);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted next() rejects with the reason, and takes no event", async () => {
  const { client, server } = await runningClient();
  const signal = new WatchedSignal();
  const reason = new Error("Enough");
  const waiting = client.events.next("STOP", { signal: signal.signal });
  signal.abort(reason);
  assertStrictEquals(await assertRejects(() => waiting), reason);
  assertEquals(signal.listeners, 0);
  server.send(event("STOP"));
  assertEquals((await client.events.next()).event, "STOP");
  assertStrictEquals(
    await assertRejects(() =>
      client.events.next("STOP", { signal: signal.signal })
    ),
    reason,
  );
  await client.disconnect();
  await server.end();
});

Deno.test("next() with an aborted signal takes no event, even if one is queued", async () => {
  const { client, server } = await runningClient();
  const before = client.listen();
  server.send(event("STOP"));
  await client.listen().next();
  const signal = AbortSignal.abort("Mine");
  const aborted = before.next("STOP", { signal });
  assertEquals(await aborted.catch((reason) => reason), "Mine");
  assertEquals(queued(before), ["STOP"]);
  await client.disconnect();
  await server.end();
});

Deno.test("next() with a filter takes the first event that passes, queued or later", async () => {
  const { client, server } = await runningClient();
  const { events } = client;
  const job = (id: string) => event("JOB", { id });
  const filter = ({ data }: QMPEvent) => data?.id === "b";
  const all = client.listen();
  const coming = events.next("JOB", { filter });
  server.send(job("a"), event("OTHER", { id: "b" }), job("b"));
  assertEquals((await coming).data?.id, "b");
  assertEquals((await all.next("JOB", { filter })).data?.id, "b");
  assertEquals(queued(events), ["JOB", "OTHER"]);
  assertEquals(queued(all), ["JOB", "OTHER"]);
  await client.disconnect();
  await server.end();
});

Deno.test("an error of next()'s filter ends only its own wait", async () => {
  const { client, server } = await runningClient();
  const mine = new Error("Mine");
  const filter = () => {
    throw mine;
  };
  const { events } = client;
  const failing = events.next("STOP", { filter });
  const other = events.next("STOP");
  server.send(event("STOP"), event("STOP"));
  assertStrictEquals(await assertRejects(() => failing), mine);
  assertEquals((await other).event, "STOP");
  await client.listen().next("STOP", { timeout: 0 }).catch(() => {});
  const queued = events.next("STOP", { filter });
  assertStrictEquals(await assertRejects(() => queued), mine);
  assertEquals((await events.next("STOP")).event, "STOP");
  await client.disconnect();
  await server.end();
});

Deno.test("the timeout of next() names the event and the time, and takes no event", async () => {
  const { client, server } = await runningClient();
  const { events } = client;
  const cases = [
    ["STOP", "Cannot get event STOP: there was none in 5 ms"],
    [["A", "B"], "Cannot get event A or B: there was none in 5 ms"],
    [undefined, "Cannot get event: there was none in 5 ms"],
  ] as const;
  for (const [names, message] of cases) {
    const error = await assertRejects(
      () => events.next(names, { timeout: 5 }),
      DOMException,
    );
    assertEquals([error.name, error.message], ["TimeoutError", message]);
  }
  server.send(event("STOP"));
  assertEquals((await events.next("STOP", { timeout: 5_000 })).event, "STOP");
  for (const timeout of [-1, NaN]) {
    await assertRejects(
      () => events.next("STOP", { timeout }),
      RangeError,
      `Cannot use the option: timeout is ${timeout}`,
    );
  }
  await client.disconnect();
  await server.end();
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
  {
    using listener = client.listen();
    escaped = listener;
    server.send(event("ONE"));
    await client.events.next();
  }
  assertEquals(await rest(escaped), []);
  const listener = client.listen();
  const iteration = rest(listener);
  listener.close();
  listener.close();
  assertEquals(await iteration, []);
  await assertRejects(() => listener.next(), EndOfStreamError);
  await client.disconnect();
  await server.end();
});

Deno.test("a listener that is not read keeps the newest events, and counts dropped events", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { limit: 3 });
  for (let n = 0; n < 10; n++) server.send(event(`E${n}`));
  await client.events.next("E9");
  assertEquals(listener.dropped, 7);
  assertEquals(listener.history.map(({ event }) => event), ["E7", "E8", "E9"]);
  assertEquals(queued(listener), ["E7", "E8", "E9"]);
  assertEquals(client.events.dropped, 0);
  await client.disconnect();
  await server.end();
});

Deno.test("events that are read in time are in the history, and not dropped", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { limit: 2 });
  for (let n = 0; n < 10; n++) {
    server.send(event(`E${n}`));
    assertEquals((await listener.next()).event, `E${n}`);
  }
  assertEquals(listener.dropped, 0);
  assertEquals(listener.history.map(({ event }) => event), ["E8", "E9"]);
  assertEquals(listener.clear(), []);
  await client.disconnect();
  await server.end();
});

Deno.test("a listener that is bounded in bytes keeps the newest events, and counts dropped events", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { maxBytes: 2_000 });
  for (let n = 0; n < 5; n++) {
    server.send(event(`E${n}`, { text: "x".repeat(800) }));
  }
  await client.events.next("E4");
  assertEquals(listener.dropped, 3);
  assertEquals(listener.history.map(({ event }) => event), ["E3", "E4"]);
  assertEquals(queued(listener), ["E3", "E4"]);
  assertEquals(client.events.dropped, 0);
  await client.disconnect();
  await server.end();
});

Deno.test("the history of a listener is bounded in bytes, even if each event is read at once", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { maxBytes: 2_000 });
  for (let n = 0; n < 5; n++) {
    server.send(event(`E${n}`, { text: "x".repeat(800) }));
    assertEquals((await listener.next()).event, `E${n}`);
  }
  assertEquals(listener.dropped, 0);
  assertEquals(listener.history.map(({ event }) => event), ["E3", "E4"]);
  await client.disconnect();
  await server.end();
});

Deno.test("an event that is larger than maxBytes replaces all others", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { maxBytes: 500 });
  server.send(event("SMALL"), event("LARGE", { text: "x".repeat(800) }));
  await client.events.next("LARGE");
  assertEquals(listener.history.map(({ event }) => event), ["LARGE"]);
  server.send(event("NEXT"));
  await client.events.next("NEXT");
  assertEquals(listener.dropped, 2);
  assertEquals(queued(listener), ["NEXT"]);
  await client.disconnect();
  await server.end();
});

Deno.test("events before the greeting are bounded in bytes, too", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const listener = client.listen(undefined, { maxBytes: 2_000 });
  const server = await Script.over(far);
  const connecting = client.connect(near);
  for (let n = 0; n < 5; n++) {
    server.send(event(`E${n}`, { text: "x".repeat(800) }));
  }
  await Promise.all([connecting, server.shakeHands()]);
  assertEquals(listener.dropped, 3);
  assertEquals(queued(listener), ["E3", "E4"]);
  await client.disconnect();
  await server.end();
});

Deno.test("events that are read one by one make room for others", async () => {
  const { client, server } = await runningClient();
  const listener = client.listen(undefined, { limit: 3 });
  let sent = 0;
  for (let round = 0; round < 100; round++) {
    for (let n = 0; n < 3; n++) server.send(event(`E${sent++}`));
    await client.events.next(`E${sent - 1}`);
    assertEquals((await listener.next(`E${sent - 2}`)).event, `E${sent - 2}`);
    assertEquals((await listener.next()).event, `E${sent - 3}`);
    assertEquals((await listener.next()).event, `E${sent - 1}`);
  }
  assertEquals(listener.dropped, 0);
  await client.disconnect();
  await server.end();
});

Deno.test("a listener without room is refused", () => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) {
    assertThrows(
      () => new QMPClient().listen("STOP", { limit }),
      RangeError,
      `Cannot use the option: limit is ${limit}`,
    );
    assertThrows(
      () => new QMPClient().listen("STOP", { maxBytes: limit }),
      RangeError,
      `Cannot use the option: maxBytes is ${limit}`,
    );
  }
  assertThrows(
    () => new QMPClient().listen("STOP", { limit: "1" as unknown as number }),
    TypeError,
    'Cannot use the option: limit is "1": it must be a positive integer',
  );
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

Deno.test("events and commands have the types of the schema", async () => {
  interface Schema {
    commands: {
      stop: { arguments: Record<never, never>; returns: Record<never, never> };
      resize: { arguments: { size: number }; returns: { old: number } };
    };
    events: { STOP: undefined; RESIZED: { size: number } };
  }
  const [near, far] = memoryPair();
  const client = new QMPClient<Schema>();
  const server = await Script.over(far);
  await Promise.all([client.connect(near), server.shakeHands()]);

  const resizing = client.execute("resize", { size: 5 });
  server.answer(await server.command(), { old: 4 });
  const { old }: { old: number } = await resizing;
  assertEquals(old, 4);
  // deno-lint-ignore no-unused-vars
  const refused = () => [
    // @ts-expect-error: no such command
    client.execute("resise", { size: 5 }),
    // @ts-expect-error: no such argument
    client.execute("resize", { sise: 5 }),
    // @ts-expect-error: an argument is missing
    client.execute("resize"),
    // @ts-expect-error: no such event
    client.listen("STOPPED"),
    // @ts-expect-error: no such event
    client.events.next("STOPPED"),
    // @ts-expect-error: no such event
    client.events.next(["STOP", "STOPPED"]),
    // @ts-expect-error: not an event of this listener
    client.listen("STOP").next("RESIZED"),
    // @ts-expect-error: STOP has no data
    client.events.next("STOP").then(({ data }) => data.size),
    // @ts-expect-error: STOP has no data
    client.events.next("STOP", { filter: ({ data }) => data.size === 5 }),
    client.events.next(["STOP", "RESIZED"]),
    client.execute("stop"),
  ];

  const listener = client.listen("RESIZED");
  server.send(event("RESIZED", { size: 5 }));
  const { data }: { data: { size: number } } = await listener.next();
  assertEquals(data.size, 5);
  const narrowed = client.events.next("RESIZED", {
    filter: ({ data }) => data.size === 5,
  });
  const size: number = (await narrowed).data.size;
  assertEquals(size, 5);
  server.send(event("RESIZED", { size: 5 }));
  const any = client.events;
  server.send(event("STOP"));
  for await (const event of any) {
    if (event.event === "STOP") break;
    const { size }: { size: number } = event.data;
    assertEquals(size, 5);
  }
  await client.disconnect();
  await server.end();
});

Deno.test("a function that takes any client takes clients and listeners with a schema", () => {
  interface Commands {
    stop: { arguments: { force?: boolean }; returns: object };
  }
  interface Events {
    STOP: undefined;
    RESIZED: { size: number };
  }
  interface Schema {
    commands: Commands;
    events: Events;
  }
  const greet = (client: QMPClient): string => client.runstate;
  const count = (listener: QMPEventListener): number => listener.dropped;
  const client = new QMPClient<Schema>();
  const clients: QMPClient[] = [client, new QMPClient()];
  assertEquals(clients.map(greet), ["idle", "idle"]);
  assertEquals([client.events, client.listen("STOP")].map(count), [0, 0]);
  interface Other {
    commands: { sing: { arguments: object; returns: object } };
    events: { SONG: undefined };
  }
  // @ts-expect-error: the schema of another server
  const other: QMPClient<Other> = client;
  assertStrictEquals<unknown>(other, client);
});
