import { assertEquals, assertRejects } from "@std/assert";
import { type HandlerContext, JSONRPCPeer } from "../../jsonrpc/mod.ts";
import { memoryPair, StateError } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { UnhandledRejections } from "../support/unhandled_rejections.ts";

Deno.test("a handler that goes on after its session may leave its promises alone", async () => {
  const started = Promise.withResolvers<HandlerContext>();
  const [near, far] = memoryPair();
  const server = new JSONRPCPeer({
    cancellation: "mcp",
    methods: {
      copy(_: unknown, context: HandlerContext) {
        started.resolve(context);
        return new Promise(() => {});
      },
    },
  });
  const client = new JSONRPCPeer({ cancellation: "mcp" });
  await Promise.all([server.connect(far), client.connect(near)]);
  const copied = rejection(
    client.request("copy", {}, { onProgress() {} }),
  );
  const { peer, progress, signal } = await started.promise;
  await client.disconnect({ reason: new Error("Gone") });
  await copied;
  await server.disconnect();
  assertEquals(signal.aborted, true);

  using unhandled = new UnhandledRejections();
  const batch = () => [peer.request("ask"), peer.notify("log")];
  const calls = {
    progress: () => progress(1),
    "peer.notify": () => peer.notify("log"),
    "peer.request": () => peer.request("ask"),
    "server.notify": () => server.notify("log"),
    "server.request": () => server.request("ask"),
    "server.batch": () => server.batch(batch),
  };
  for (const [name, call] of Object.entries(calls)) {
    call();
    assertEquals(await unhandled.reported(), [], name);
    await rejection(call());
  }
});

Deno.test("a batch whose session ends before its results may be left alone", async () => {
  const [near, far] = memoryPair();
  const server = new JSONRPCPeer({
    methods: { stuck: () => new Promise(() => {}) },
  });
  const client = new JSONRPCPeer();
  await Promise.all([server.connect(far), client.connect(near)]);
  using unhandled = new UnhandledRejections();
  client.batch((batch) => [batch.request("stuck")]);
  client.batch(() => {
    throw new Error("Not built");
  });
  await client.disconnect();
  await server.disconnect();
  assertEquals(await unhandled.reported(), []);
});

Deno.test("await using throws a cause that notify() has told, and leaves the error of a request or a batch", async () => {
  const cut = async (call: (client: JSONRPCPeer) => Promise<unknown>) => {
    const [near, far] = memoryPair();
    await using client = new JSONRPCPeer();
    await client.connect(near);
    far.abort();
    await rejection(client.closed);
    await call(client);
  };
  const notified = cut((client) => rejection(client.notify("log")));
  await assertRejects(() => notified, Deno.errors.ConnectionReset);
  const asked = cut((client) => client.request("ask"));
  await assertRejects(() => asked, StateError);
  const batched = cut((client) => client.batch(() => []));
  await assertRejects(() => batched, StateError);
});
