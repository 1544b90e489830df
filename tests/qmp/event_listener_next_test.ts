import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { QMPEvent } from "../../qmp/mod.ts";
import { event, runningClient } from "../support/qmp/qmp_script.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { queued } from "../support/qmp/event_names.ts";

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
