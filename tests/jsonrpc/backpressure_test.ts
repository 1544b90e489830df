import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import {
  type HandlerContext,
  JSONRPCError,
  JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import { memoryPair } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";

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
