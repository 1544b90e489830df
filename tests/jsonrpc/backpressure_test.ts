import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import {
  type HandlerContext,
  JSONRPCError,
  JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import { memory, memoryPair, QueueLimitError, serve } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { settled, turns } from "../support/turns.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";
import { VirtualTime } from "../support/virtual_time.ts";

Deno.test("64 handlers run at once, and calls that fill a third of maxQueuedBytes hold the reader", async () => {
  let begun = 0;
  const gate = Promise.withResolvers<void>();
  await using ends = await rawPeer({
    maxQueuedBytes: 64 * 1024,
    methods: {
      async wait() {
        begun++;
        await gate.promise;
      },
    },
  });
  const { peer, raw } = ends;
  for (let id = 0; id < 1000; id++) {
    raw.send({ jsonrpc: "2.0", id, method: "wait" }).catch(() => {});
  }
  await turns();
  assertEquals(begun, 64);
  // Each counts as 256 bytes: 86 calls fill it, and the reader holds one more.
  assertEquals(peer.stats.messagesReceived, 87);
  gate.resolve();
  for (let count = 0; count < 1000; count++) {
    await raw[Symbol.asyncIterator]().next();
  }
  assertEquals(begun, 1000);
});

Deno.test("when handlers wait for the peer and no more are taken, requests are refused and nothing locks up", async () => {
  await using ends = await twoPeers({
    methods: {
      ask: (_: unknown, { peer }: HandlerContext) => peer.request("answer"),
    },
  }, { methods: { answer: () => "yes" } });
  const replies = await Promise.allSettled(
    Array.from({ length: 2000 }, () => ends.client.request("ask")),
  );
  const answered = replies.filter(({ status }) => status === "fulfilled");
  for (const reply of replies) {
    if (reply.status === "fulfilled") assertEquals(reply.value, "yes");
    else {
      assertInstanceOf(reply.reason, JSONRPCError);
      assertEquals(reply.reason.code, -32000);
    }
  }
  assertLess(319, answered.length);
});

Deno.test("when no more calls are taken, those without a handler need no room", async () => {
  const gate = Promise.withResolvers<void>();
  await using ends = await rawPeer({
    maxQueuedBytes: 3 * 256,
    methods: { wait: () => gate.promise, log() {} },
  });
  const { peer, raw } = ends;
  const answers = peer.notifications();
  const jsonrpc = "2.0";
  await raw.send({ jsonrpc, id: "w", method: "wait" });
  await raw.send({ jsonrpc, method: "note" });
  await raw.send({ jsonrpc, id: 1, method: "none" });
  assertEquals((await answers.next()).method, "note");
  const refused = await raw.receive() as { error: { code: number } };
  assertEquals(refused.error.code, -32601);

  const asked = peer.request("ask");
  await raw.receive();
  await raw.send({ jsonrpc, method: "note" });
  await raw.send({ jsonrpc, id: 1, result: "answered" });
  assertEquals(await asked, "answered");
  gate.resolve();
  await raw.receive();
});

Deno.test("notifications behind a large one whose handler calls back are handled in order", async () => {
  const seen: number[] = [];
  const all = Promise.withResolvers<void>();
  await using ends = await twoPeers({
    order: "serial",
    methods: {
      open: (_: unknown, { peer }: HandlerContext) => peer.request("configure"),
      change([n]: [number]) {
        seen.push(n);
        if (n === 100) all.resolve();
      },
    },
  }, {
    methods: {
      async configure() {
        for (let n = 1; n <= 100; n++) await ends.client.notify("change", [n]);
        return {};
      },
    },
  });
  await ends.client.notify("open", ["x".repeat(5_000_000)]);
  await Promise.race([all.promise, ends.server.closed]);
  assertEquals(seen, Array.from({ length: 100 }, (_, n) => n + 1));
});

Deno.test("responses that exceed maxQueuedBytes together, both ways, all arrive in order", async () => {
  const gate = Promise.withResolvers<void>();
  const options = {
    maxQueuedBytes: 200_000,
    methods: {
      async large([n]: [number]) {
        await gate.promise;
        return [n, "x".repeat(100_000)];
      },
    },
  };
  await using ends = await twoPeers(options, options);
  const order = Array.from({ length: 20 }, (_, n) => n);
  const asked = [ends.client, ends.server].map(async (peer) => {
    const arrived: number[] = [];
    await Promise.all(order.map(async (n) => {
      const [number] = await peer.request("large", [n]);
      arrived.push(number);
    }));
    return arrived;
  });
  await turns();
  gate.resolve();
  assertEquals(await Promise.all(asked), [order, order]);
});

for (const batch of [false, true]) {
  Deno.test(`two peers that refuse a call of each other, and send much, go on: batch ${batch}`, async () => {
    await using ends = await twoPeers();
    const large = ["x".repeat(1_000_000)];
    const codes = [ends.client, ends.server].map(async (peer) => {
      const refused = batch
        ? peer.batch((calls) => [calls.request("none")])
        : peer.request("none");
      await peer.notify("large", large);
      return (await rejection(refused) as JSONRPCError).code;
    });
    assertEquals(await Promise.all(codes), [-32601, -32601]);
  });
}

Deno.test("what is sent after a response that waits for its turn does not overtake it", async () => {
  await using ends = await rawPeer({
    highWaterMark: 1_000,
    maxQueuedBytes: 150_000,
    methods: {
      large: () => "x".repeat(60_000),
      small(_: unknown, { peer }: HandlerContext) {
        queueMicrotask(() => peer.notify("after"));
        return "small";
      },
    },
  });
  const { raw } = ends;
  for (const [id, method] of ["large", "small"].entries()) {
    raw.send({ jsonrpc: "2.0", id, method });
  }
  await raw.receive();
  const small = { jsonrpc: "2.0", id: 1, result: "small" };
  assertEquals(await raw.receive(), small);
  assertEquals(await raw.receive(), { jsonrpc: "2.0", method: "after" });
});

Deno.test("a peer that does not read its responses is not read either", async () => {
  const [near, far] = memoryPair();
  const peer = new JSONRPCPeer({
    methods: { large: () => "x".repeat(10_000) },
  });
  await peer.connect(near);
  const request = '{"jsonrpc":"2.0","id":0,"method":"large"}\n';
  const writer = far.writable.getWriter();
  const writing = writer.write(
    new TextEncoder().encode(request.repeat(10_000)),
  );
  await turns();
  const { queuedBytes, messagesReceived } = peer.stats;
  console.log(
    `${messagesReceived} requests read, ${queuedBytes} bytes of responses queued`,
  );
  // highWaterMark, and a response of each handler that waits for room.
  assertLess(queuedBytes, 128 * 1024 + 66 * 10_100);
  assertLess(messagesReceived, 1000);
  far.abort();
  await rejection(writing);
  await rejection(peer.disconnect());
});

Deno.test("disconnect() sends the responses that wait for room, and notifications behind them", async () => {
  const gate = Promise.withResolvers<void>();
  const [near, far] = memoryPair();
  await using peer = new JSONRPCPeer({
    methods: {
      async large() {
        await gate.promise;
        return "x".repeat(1024 * 1024);
      },
    },
  });
  await peer.connect(near);
  const call = (id: number) =>
    `{"jsonrpc":"2.0","id":${id},"method":"large"}\n`;
  await far.write(new TextEncoder().encode([1, 2, 3, 4, 5].map(call).join("")));
  await turns();
  gate.resolve();
  await turns();
  peer.notify("bye");
  const disconnected = peer.disconnect();
  const text = await new Response(far.readable).text();
  const sent = text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(sent.map(({ id, method }) => id ?? method), [
    1,
    2,
    3,
    4,
    5,
    "bye",
  ]);
  await disconnected;
  await far.close();
});

Deno.test("a peer that does not read large responses is not read either, and then gets all of them", async () => {
  const [near, far] = memoryPair();
  let made = 0;
  await using peer = new JSONRPCPeer({
    maxQueuedBytes: 300_000,
    methods: {
      large() {
        made++;
        return "x".repeat(50_000);
      },
    },
  });
  await peer.connect(near);
  const ids = Array.from({ length: 100 }, (_, id) => id);
  const calls = ids.map((id) =>
    `{"jsonrpc":"2.0","id":${id},"method":"large"}\n`
  );
  await far.write(new TextEncoder().encode(calls.join("")));
  await turns();
  console.log(`${made} responses of 50,000 bytes are held`);
  // The transport's buffer, and twice a third and one: queued, and waiting.
  assertLess(made * 50_000, 64 * 1024 + 2 * 150_000 + 50_000);
  await far.closeWrite();
  const text = await new Response(far.readable).text();
  const answered = text.trim().split("\n").map((line) => JSON.parse(line).id);
  assertEquals(answered, ids);
  await far.close();
});

Deno.test("refusals with large ids that the peer does not read end the session by their bytes", async () => {
  const [near, far] = memoryPair();
  await using peer = new JSONRPCPeer({ maxQueuedBytes: 200_000 });
  await peer.connect(near);
  // The session reads on, because it waits for a response.
  const asked = peer.request("ask");
  const id = "x".repeat(50_000);
  const call = new TextEncoder().encode(
    `{"jsonrpc":"2.0","id":"${id}","method":"none"}\n`,
  );
  const writer = far.writable.getWriter();
  const writing = Promise.allSettled(
    Array.from({ length: 500 }, () => writer.write(call)),
  );
  assertInstanceOf(await rejection(peer.closed), QueueLimitError);
  assertLess(peer.stats.messagesReceived * 50_000, 20 * 200_000);
  await rejection(asked);
  await writing;
  far.abort();
  await rejection(peer.disconnect());
});

Deno.test("large responses both ways, more than maxQueuedBytes at any time, all arrive", async () => {
  const options = {
    maxQueuedBytes: 200_000,
    methods: { large: ([n]: [number]) => [n, "x".repeat(20_000)] },
  };
  await using ends = await twoPeers(options, options);
  const order = Array.from({ length: 200 }, (_, n) => n);
  const asked = [ends.client, ends.server].map((peer) =>
    Promise.all(order.map(async (n) => (await peer.request("large", [n]))[0]))
  );
  assertEquals(await Promise.all(asked), [order, order]);
});

Deno.test("two peers that give up many requests of each other do not hold each other", async () => {
  let made = 0;
  const options = {
    maxQueuedBytes: 200_000,
    methods: {
      large() {
        made++;
        return "x".repeat(50_000);
      },
    },
  };
  await using ends = await twoPeers(options, options);
  const stop = new AbortController();
  for (const peer of [ends.client, ends.server]) {
    for (let count = 0; count < 30; count++) {
      peer.request("large", [], { signal: stop.signal }).catch(() => {});
    }
  }
  stop.abort();
  await settled();
  assertEquals(made, 60);
});

Deno.test("a large request is taken while responses wait for their turn, and this end for its own", async () => {
  await using ends = await rawPeer({
    highWaterMark: 1_000,
    maxQueuedBytes: 150_000,
    methods: {
      large: () => "x".repeat(60_000),
      length: ([text]: [string]) => text.length,
    },
  });
  const { peer, raw } = ends;
  const asked = peer.request("ask");
  const jsonrpc = "2.0";
  for (let id = 1; id <= 3; id++) raw.send({ jsonrpc, id, method: "large" });
  const params = ["x".repeat(110_000)];
  raw.send({ jsonrpc, id: 4, method: "length", params });
  raw.send({ jsonrpc, id: 1, result: "answered" });
  const received = [];
  for (let count = 0; count < 5; count++) {
    received.push(await raw.receive() as { id: number; result: unknown });
  }
  assertEquals(received.map(({ id }) => id), [1, 1, 2, 3, 4]);
  assertEquals(received.at(-1)?.result, 110_000);
  assertEquals(await asked, "answered");
});

Deno.test("responses that wait for their turn count in the limit of the server", async () => {
  using time = new VirtualTime();
  const gate = Promise.withResolvers<void>();
  const transport = memory();
  const peers: JSONRPCPeer[] = [];
  const server = serve(await transport.listen(), () => {
    const peer = new JSONRPCPeer({
      methods: {
        async large() {
          await gate.promise;
          return "x".repeat(100_000);
        },
      },
    });
    peers.push(peer);
    return peer;
  }, { maxQueuedBytes: 4_000_000 });
  const greedy = await transport.connect();
  const modest = await transport.connect();
  const call = '{"jsonrpc":"2.0","id":1,"method":"large"}\n';
  const calls = Array.from(
    { length: 60 },
    (_, id) => call.replace("1", `${id}`),
  );
  await greedy.write(new TextEncoder().encode(calls.join("")));
  await modest.write(new TextEncoder().encode(call));
  await settled();
  gate.resolve();
  await settled();
  time.pass(1_000);
  assertInstanceOf(
    await rejection(peers[0]?.closed ?? Promise.resolve()),
    QueueLimitError,
  );
  assertEquals(peers[1]?.runstate, "running");
  greedy.abort();
  modest.abort();
  await server.shutdown();
});
