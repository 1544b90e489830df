import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import {
  type HandlerContext,
  JSONRPCError,
  JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import {
  CallInterruptedError,
  type Connection,
  memory,
  memoryPair,
  ProtocolError,
  serve,
  StateError,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import { next, rawPeer, twoPeers } from "./support.ts";

Deno.test("a handler of one session does not answer into the next", async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const peer = new JSONRPCPeer({
    methods: {
      async secret() {
        started.resolve();
        await gate;
        return "secret";
      },
      ping: () => "pong",
    },
  });
  const client = new JSONRPCPeer();
  const [near, far] = memoryPair();
  await Promise.all([peer.connect(near), client.connect(far)]);
  const asked = rejection(client.request("secret"));
  await started.promise;
  await client.disconnect();
  await peer.disconnect().catch(() => {});
  await asked;

  const other = new JSONRPCPeer();
  const [left, right] = memoryPair();
  await Promise.all([peer.connect(left), other.connect(right)]);
  open();
  assertEquals(await other.request("ping"), "pong");
  assertEquals(other.stats.messagesReceived, 1);
  await other.disconnect();
  await rejection(peer.disconnect());
});

Deno.test("a handler that never ends does not keep its slot in the next session", async () => {
  const peer = new JSONRPCPeer({
    order: "serial",
    methods: { stuck: () => new Promise(() => {}), ping: () => "pong" },
  });
  for (let time = 0; time < 2; time++) {
    const [near, far] = memoryPair();
    const client = new JSONRPCPeer();
    await Promise.all([peer.connect(near), client.connect(far)]);
    assertEquals(await client.request("ping"), "pong");
    const stuck = rejection(client.request("stuck"));
    await turns();
    await peer.disconnect();
    await stuck;
    await rejection(client.disconnect());
  }
});

Deno.test("1000 notifications in one chunk do not end a session that waits for a response", async () => {
  let handled = 0;
  await using ends = await rawPeer({ methods: { log: () => void handled++ } });
  const { peer, raw } = ends;
  const answer = peer.request("ask");
  await next(raw);
  const sending = Array.from(
    { length: 1000 },
    () => raw.send({ jsonrpc: "2.0", method: "log" }),
  );
  await Promise.all(sending);
  await raw.send({ jsonrpc: "2.0", id: 1, result: 7 });
  assertEquals([await answer, handled], [7, 1000]);
});

for (
  const response of [
    { jsonrpc: "2.0", id: 1 },
    { jsonrpc: "2.0", id: 1, error: { code: 1.5, message: "m" } },
    { jsonrpc: "2.0", id: 1, error: { code: 1 } },
    { id: 1, result: 5 },
  ]
) {
  Deno.test(`a response that is wrong rejects its request: ${JSON.stringify(response)}`, async () => {
    await using ends = await rawPeer();
    const asked = rejection(ends.peer.request("ask"));
    await next(ends.raw);
    await ends.raw.send(response);
    assertInstanceOf(await asked, ProtocolError);
  });
}

Deno.test("a wrong response is not answered with an id that another request has", async () => {
  await using ends = await rawPeer();
  await ends.raw.send({ jsonrpc: "2.0", id: 1 });
  assertEquals(await next(ends.raw), {
    jsonrpc: "2.0",
    id: null,
    error: { code: -32600, message: "Invalid Request" },
  });
});

Deno.test("a peer that has ended its writing gets its answer", async () => {
  const [near, far] = memoryPair();
  const peer = new JSONRPCPeer({
    methods: {
      async slow() {
        await turns();
        return "late";
      },
    },
  });
  await peer.connect(near);
  await far.write(
    new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"slow"}\n'),
  );
  await far.closeWrite();
  const text = await new Response(far.readable).text();
  assertEquals(text, '{"jsonrpc":"2.0","id":1,"result":"late"}\n');
  await rejection(peer.disconnect());
});

Deno.test("a server that shuts down lets its handlers answer", async () => {
  const transport = memory();
  const started = Promise.withResolvers<void>();
  const methods = {
    async slow() {
      started.resolve();
      await turns();
      return "answered";
    },
  };
  const server = serve(
    await transport.listen(),
    () => new JSONRPCPeer({ methods }),
  );
  const client = new JSONRPCPeer();
  await client.connect(transport);
  const answer = client.request("slow");
  await started.promise;
  await server.shutdown();
  assertEquals(await answer, "answered");
  await rejection(client.disconnect());
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
  assertEquals(await ends.client.request("work", {}, { onProgress }), "done");
  assertEquals(await other, "done");
});

Deno.test("an order that throws fails its call, and the session goes on", async () => {
  await using ends = await twoPeers({
    order(method) {
      if (method === "bad") throw new Error("no key");
      return method;
    },
    methods: { bad: () => 1, good: () => 2 },
  });
  const error = await rejection(ends.client.request("bad"));
  assertInstanceOf(error, JSONRPCError);
  assertEquals(error.code, -32603);
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
  await next(raw);
  await raw.send({ jsonrpc: "2.0", id: 2, method: "wait" });
  await next(raw);
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

Deno.test("between two sessions, a request rejects with a StateError", async () => {
  await using ends = await twoPeers();
  await ends.client.disconnect();
  const connected = Promise.withResolvers<Connection>();
  const connecting = ends.client.connect({
    connect: () => connected.promise,
    listen: () => Promise.reject(new Error("not used")),
  });
  assertInstanceOf(await rejection(ends.client.request("ping")), StateError);
  assertInstanceOf(await rejection(ends.client.notify("ping")), StateError);
  const [near, far] = memoryPair();
  connected.resolve(near);
  await connecting;
  await far.close();
});

Deno.test("a request during a negotiation that fails is rejected", async () => {
  const negotiating = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  class Refusing extends JSONRPCPeer {
    protected override negotiate(): Promise<void> {
      negotiating.resolve();
      return refused.promise;
    }
  }
  const [near, far] = memoryPair();
  const peer = new Refusing();
  const connecting = rejection(peer.connect(near));
  await negotiating.promise;
  const asked = rejection(peer.request("ping"));
  refused.reject(new Error("no"));
  await connecting;
  assertInstanceOf(await asked, CallInterruptedError);
  await far.close();
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
