import { assertEquals, assertThrows } from "@std/assert";
import { QMPClient } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { event, runningClient, Script } from "../support/qmp/qmp_script.ts";
import { queued } from "../support/qmp/event_names.ts";

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
