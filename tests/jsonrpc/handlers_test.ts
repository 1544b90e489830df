import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { type HandlerContext, JSONRPCError } from "../../jsonrpc/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import { UnhandledRejections } from "../support/unhandled_rejections.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";

Deno.test("1000 notifications in one chunk do not end a session that waits for a response", async () => {
  let handled = 0;
  await using ends = await rawPeer({ methods: { log: () => void handled++ } });
  const { peer, raw } = ends;
  const answer = peer.request("ask");
  await raw.receive();
  const sending = Array.from(
    { length: 1000 },
    () => raw.send({ jsonrpc: "2.0", method: "log" }),
  );
  await Promise.all(sending);
  await raw.send({ jsonrpc: "2.0", id: 1, result: 7 });
  assertEquals([await answer, handled], [7, 1000]);
});

Deno.test("a callback of progress that throws harms no other request", async () => {
  await using ends = await twoPeers({
    cancellation: "lsp",
    methods: {
      async work(_: unknown, { progress }: HandlerContext) {
        await progress(1);
        return "done";
      },
    },
  }, { cancellation: "lsp" });
  const other = ends.client.request("work", {});
  const onProgress = () => {
    throw new Error("mine");
  };
  const onAsync = () => Promise.reject(new Error("mine, later"));
  using unhandled = new UnhandledRejections();
  for (const callback of [onProgress, onAsync]) {
    const options = { onProgress: callback };
    assertEquals(await ends.client.request("work", {}, options), "done");
  }
  assertEquals(await unhandled.reported(), []);
  assertEquals(await other, "done");
});

Deno.test("an order that throws, or is async, fails its call, and the session goes on", async () => {
  await using ends = await twoPeers({
    order(method) {
      if (method === "bad") throw new Error("no key");
      if (method === "async") return Promise.reject(new Error("no key"));
      return method;
    },
    methods: { bad: () => 1, async: () => 1, good: () => 2 },
  });
  using unhandled = new UnhandledRejections();
  for (const method of ["bad", "async"]) {
    const error = await rejection(ends.client.request(method));
    assertInstanceOf(error, JSONRPCError);
    assertEquals(error.code, -32603);
  }
  assertEquals(await unhandled.reported(), []);
  assertEquals(await ends.client.request("good"), 2);
});

Deno.test("results that the codec cannot encode are internal errors, alone and in a batch", async () => {
  await using ends = await twoPeers({
    methods: {
      function: () => () => 1,
      circular() {
        const value: Record<string, unknown> = {};
        value.self = value;
        return value;
      },
      bigint: () => 1n,
      ok: () => 1,
    },
  });
  const { client } = ends;
  for (const method of ["function", "circular", "bigint"]) {
    const error = await rejection(client.request(method));
    assertInstanceOf(error, JSONRPCError);
    assertEquals(error.code, -32603);
  }
  const replies = await client.batch((batch) => [
    batch.request("ok"),
    batch.request("circular").catch((error) => error.code),
    batch.request("function").catch((error) => error.code),
    batch.request("bigint").catch((error) => error.code),
  ]);
  assertEquals(replies, [1, -32603, -32603, -32603]);
});

Deno.test("20,000 notifications behind a request are handled in order, each in its turn", async () => {
  const order: number[] = [];
  const gate = Promise.withResolvers<void>();
  await using ends = await rawPeer({
    order: "serial",
    methods: {
      wait: () => gate.promise,
      count: ([n]: [number]) => void order.push(n),
    },
  });
  const { raw } = ends;
  await raw.send({ jsonrpc: "2.0", id: 1, method: "wait" });
  const sending = Array.from(
    { length: 20_000 },
    (_, n) => raw.send({ jsonrpc: "2.0", method: "count", params: [n] }),
  );
  await turns();
  gate.resolve();
  await Promise.all(sending);
  await raw.receive();
  await raw.send({ jsonrpc: "2.0", id: 2, method: "wait" });
  await raw.receive();
  assertEquals(order, Array.from({ length: 20_000 }, (_, n) => n));
});

Deno.test("handlers that fill the budget and then call back do not lock up", async () => {
  const gate = Promise.withResolvers<void>();
  await using ends = await twoPeers({
    maxQueuedBytes: 64 * 1024,
    order: 1000,
    methods: {
      async ask(_: unknown, { peer }: HandlerContext) {
        await gate.promise;
        return await peer.request("answer");
      },
    },
  }, { methods: { answer: () => "yes" } });
  const asked = Array.from({ length: 400 }, () => ends.client.request("ask"));
  const settled = Promise.allSettled(asked);
  await turns();
  gate.resolve();
  const replies = (await settled).map((reply) =>
    reply.status === "fulfilled" ? reply.value : reply.reason.code
  );
  assertEquals(new Set(replies).difference(new Set(["yes", -32000])).size, 0);
  assertLess(85, replies.filter((reply) => reply === "yes").length);
});

Deno.test("what is being sent does not count against the calls of the peer", async () => {
  const calls: string[] = [];
  await using ends = await twoPeers({
    methods: {
      async take(_: unknown, { peer }: HandlerContext) {
        await peer.notify("note");
        return await peer.request("ask");
      },
    },
  }, {
    methods: {
      note: () => void calls.push("note"),
      ask: () => "answered",
    },
  });
  const { client } = ends;
  const small = client.request("take");
  const large = client.request("take", ["x".repeat(5_000_000)]);
  assertEquals(await Promise.all([small, large]), ["answered", "answered"]);
  assertEquals(calls, ["note", "note"]);
});

Deno.test("the methods of a class and of its base classes are handlers, and nothing else of it is", async () => {
  class Base {
    version(): number {
      return 1;
    }
    protected inner(): string {
      return "known to TypeScript alone";
    }
  }
  class Service extends Base {
    static create = () => new Service();
    get count(): number {
      throw new Error("not a method");
    }
    #hidden = () => "pong";
    ping(): string {
      return this.#hidden();
    }
  }
  await using ends = await twoPeers({ methods: new Service() as never });
  for (
    const [method, result] of [
      ["ping", "pong"],
      ["version", 1],
      ["inner", "known to TypeScript alone"],
    ] as const
  ) {
    assertEquals(await ends.client.request(method), result);
  }
  const others = ["count", "#hidden", "create", "constructor", "toString"];
  for (const method of others) {
    const error = await rejection(ends.client.request(method));
    assertInstanceOf(error, JSONRPCError);
    assertEquals(error.code, -32601);
  }
});
