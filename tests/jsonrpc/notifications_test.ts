import { assertEquals, assertRejects } from "@std/assert";
import { EndOfStreamError } from "../../mod.ts";
import { twoPeers } from "../support/jsonrpc_peers.ts";

Deno.test("a queue has the notifications of its methods, in order, from its creation on", async () => {
  await using ends = await twoPeers();
  const { client, server } = ends;
  await server.notify("early", []);
  await client.request("nothing").catch(() => {}); // The early one has arrived.
  using some = client.notifications(["a", "b"]);
  using all = client.notifications();
  for (const method of ["a", "other", "b"]) await server.notify(method, [1]);
  assertEquals((await all.next("b")).method, "b");
  assertEquals(some.clear().map(({ method }) => method), ["a", "b"]);
  assertEquals(all.clear().map(({ method }) => method), ["a", "other"]);
});

Deno.test("notifications with a handler and notifications of a batch are queued, too", async () => {
  const handled: unknown[] = [];
  await using ends = await twoPeers({}, {
    methods: { note: (params: unknown) => void handled.push(params) },
  });
  using queue = ends.client.notifications("note");
  await ends.server.batch((batch) => {
    batch.notify("note", [1]);
    batch.notify("note", [2]);
    return [];
  });
  assertEquals((await queue.next()).params, [1]);
  assertEquals((await queue.next()).params, [2]);
  assertEquals(handled, [[1], [2]]);
});

Deno.test("a queue drops the oldest notifications beyond its limit, and counts them", async () => {
  await using ends = await twoPeers();
  using queue = ends.client.notifications("n", { limit: 3 });
  for (let n = 0; n < 10; n++) await ends.server.notify("n", [n]);
  await ends.server.notify("last", []);
  using last = ends.client.notifications("last");
  await ends.server.request("nothing").catch(() => {});
  assertEquals(last.closed, false);
  assertEquals(queue.dropped, 7);
  assertEquals(queue.clear().map(({ params }) => params), [[7], [8], [9]]);
});

Deno.test("a queue ends with its session, after the queued notifications", async () => {
  await using ends = await twoPeers();
  const queue = ends.client.notifications();
  await ends.server.notify("bye", []);
  await ends.server.disconnect();
  await ends.client.closed.catch(() => {});
  assertEquals((await queue.next()).method, "bye");
  await assertRejects(() => queue.next(), EndOfStreamError);
});
