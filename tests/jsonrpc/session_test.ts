import { assertEquals, assertInstanceOf } from "@std/assert";
import { JSONRPCPeer } from "../../jsonrpc/mod.ts";
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
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";

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
    await ends.raw.receive();
    await ends.raw.send(response);
    assertInstanceOf(await asked, ProtocolError);
  });
}

Deno.test("a wrong response is not answered with an id that another request has", async () => {
  await using ends = await rawPeer();
  await ends.raw.send({ jsonrpc: "2.0", id: 1 });
  assertEquals(await ends.raw.receive(), {
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
