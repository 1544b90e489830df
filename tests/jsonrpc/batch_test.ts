import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  type HandlerContext,
  JSONRPCError,
  type JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";

const methods = {
  double: ([n]: [number]) => 2 * n,
  later: async ([n]: [number]) => {
    await Promise.resolve();
    return n;
  },
  fail() {
    throw new JSONRPCError("No", { code: 1 });
  },
};

Deno.test("a batch is sent as one message, and its results are in its own order", async () => {
  await using ends = await rawPeer();
  const results = ends.peer.batch((batch) => {
    batch.notify("log", ["hello"]);
    return [batch.request("a"), batch.request("b", { n: 1 })];
  });
  assertEquals(await ends.raw.receive(), [
    { jsonrpc: "2.0", method: "log", params: ["hello"] },
    { jsonrpc: "2.0", id: 1, method: "a" },
    { jsonrpc: "2.0", id: 2, method: "b", params: { n: 1 } },
  ]);
  await ends.raw.send([
    { jsonrpc: "2.0", id: 2, result: "second" },
    { jsonrpc: "2.0", id: 1, result: "first" },
  ]);
  assertEquals(await results, ["first", "second"]);
});

Deno.test("a batch rejects with the first error; each of its promises has its own", async () => {
  await using ends = await twoPeers({ methods });
  let later: Promise<unknown> | undefined;
  const error = await rejection(ends.client.batch((batch) => {
    later = batch.request("later", [7]);
    return [later, batch.request("fail")];
  }));
  assertInstanceOf(error, JSONRPCError);
  assertEquals(await later, 7);
});

Deno.test("a batch without calls sends nothing", async () => {
  await using ends = await rawPeer();
  assertEquals(await ends.peer.batch(() => []), []);
  ends.peer.notify("after").catch(() => {});
  assertEquals(await ends.raw.receive(), { jsonrpc: "2.0", method: "after" });
});

Deno.test("a batch that cannot be built leaves no request behind", async () => {
  await using ends = await rawPeer();
  const mistake = new Error("my mistake");
  const error = await rejection(ends.peer.batch((batch) => {
    batch.request("a");
    throw mistake;
  }));
  assertEquals(error, mistake);
  const reply = ends.peer.request("b");
  const request = await ends.raw.receive() as { id: number };
  await ends.raw.send({ jsonrpc: "2.0", id: request.id, result: "b" });
  assertEquals(await reply, "b");
});

for (const cancellation of ["lsp", "mcp", false] as const) {
  Deno.test(`a request that is aborted before its batch is sent is left out of it: cancellation ${cancellation}`, async () => {
    await using ends = await rawPeer({ cancellation });
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error("not needed");
    const results = ends.peer.batch((batch) => {
      const aborted = batch.request("a", undefined, { signal });
      controller.abort(reason);
      return [aborted.catch((error) => error), batch.request("b")];
    });
    assertEquals(await ends.raw.receive(), [
      { jsonrpc: "2.0", id: 2, method: "b" },
    ]);
    await ends.raw.send([{ jsonrpc: "2.0", id: 2, result: "b" }]);
    assertEquals(await results, [reason, "b"]);
    ends.peer.notify("after").catch(() => {});
    assertEquals(await ends.raw.receive(), { jsonrpc: "2.0", method: "after" });
  });
}

Deno.test("a batch over maxBatch is refused on both sides, and the session goes on", async () => {
  await using ends = await twoPeers({ methods, maxBatch: 2 }, { maxBatch: 3 });
  const { client } = ends;
  const of = (count: number) =>
    client.batch((batch) =>
      Array.from({ length: count }, (_, n) =>
        batch.request("double", [n], {
          timeout: 50,
        }))
    );
  await assertRejects(
    () => of(4),
    RangeError,
    "Cannot send the batch: it has 4 members, maxBatch is 3",
  );
  assertEquals(await of(2), [0, 2]);
  await assertRejects(() => of(3)); // It is answered as one invalid request.
  assertEquals(await client.request("double", [4]), 8);
});

Deno.test("an incoming batch is answered when its last handler is done", async () => {
  const gate = Promise.withResolvers<number>();
  await using ends = await rawPeer({
    methods: { ...methods, wait: () => gate.promise },
  });
  await ends.raw.send([
    { jsonrpc: "2.0", id: 1, method: "wait" },
    { jsonrpc: "2.0", id: 2, method: "double", params: [2] },
  ]);
  await ends.raw.send({ jsonrpc: "2.0", id: 3, method: "double", params: [3] });
  assertEquals(await ends.raw.receive(), { jsonrpc: "2.0", id: 3, result: 6 });
  gate.resolve(1);
  assertEquals(await ends.raw.receive(), [
    { jsonrpc: "2.0", id: 2, result: 4 },
    { jsonrpc: "2.0", id: 1, result: 1 },
  ]);
});

Deno.test("a batch whose responses exceed the budget is answered in part", async () => {
  let handled = 0;
  await using ends = await twoPeers({
    maxQueuedBytes: 1024 * 1024,
    methods: {
      big() {
        handled++;
        return "x".repeat(100_000);
      },
    },
  });
  const replies = await ends.client.batch((batch) =>
    Array.from(
      { length: 100 },
      () =>
        batch.request("big").then(
          (result) => result.length,
          (error) => error.code,
        ),
    )
  );
  const answered = replies.filter((reply) => reply === 100_000);
  const refused = replies.filter((reply) => reply === -32000);
  assertEquals(answered.length + refused.length, 100);
  assertEquals([answered.length, handled], [3, 4]);
});

Deno.test("a batch that was sent takes no more calls", async () => {
  await using ends = await twoPeers({ methods: { ping: () => "pong" } });
  let kept: Pick<JSONRPCPeer, "request"> | undefined;
  await ends.client.batch((batch) => {
    kept = batch;
    return [];
  });
  const error = await rejection((async () => await kept?.request("ping"))());
  assertInstanceOf(error, TypeError);
});

Deno.test("a batch whose members call back and answer much does not lock up", async () => {
  await using ends = await twoPeers({
    maxQueuedBytes: 64 * 1024,
    methods: {
      ask: (_: unknown, { peer }: HandlerContext) => peer.request("answer"),
      big: () => "x".repeat(70_000),
    },
  }, { methods: { answer: () => "yes" } });
  const replies = await ends.client.batch((batch) => [
    batch.request("ask"),
    batch.request("big").catch((error) => error.code),
  ]);
  assertEquals(replies, ["yes", -32000]);
});
