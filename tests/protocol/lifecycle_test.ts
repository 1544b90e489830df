import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { EndOfStreamError, Runstate } from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import {
  assertCanBeUsedAgain,
  GOOD_SESSION,
  recordRunstates,
  runningPeer,
} from "../support/protocol/session.ts";
import { Lines } from "../support/protocol/line_protocol.ts";
import { silent } from "../support/transports/silent_transport.ts";

Deno.test("a good session goes through connecting, running, disconnecting, idle at both ends", async () => {
  const transport = memory();
  const [client, server] = [new Lines(), new Lines()];
  const states = [recordRunstates(client), recordRunstates(server)];
  await using listener = await transport.listen();
  await Promise.all([client.connect(transport), server.accept(listener)]);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
  assertEquals(await states[0]?.stop(), GOOD_SESSION);
  assertEquals(await states[1]?.stop(), GOOD_SESSION);
});

Deno.test("negotiate() can send and receive before messages flow to onMessage()", async () => {
  const [near, far] = memoryPair();
  const [client, server] = [new Lines(), new Lines()];
  const seen: string[] = [];
  client.negotiation = async () => {
    seen.push(await client.receive());
    await client.send("hello, server");
  };
  server.negotiation = async () => {
    await server.send("hello, client");
    seen.push(await server.receive());
  };
  const handled = Promise.withResolvers<string>();
  client.handler = handled.resolve;
  await Promise.all([client.connect(near), server.connect(far)]);
  await server.send("news");
  assertEquals(await handled.promise, "news");
  assertEquals(seen, ["hello, client", "hello, server"]);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
});

Deno.test("when the peer ends, the session is disconnecting until disconnect()", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await remote.close();
  const error = await peer.closed.catch((error) => error);
  assertInstanceOf(error, EndOfStreamError);
  assertStrictEquals(peer.signal.reason, error);
  assertEquals(peer.runstate, Runstate.DISCONNECTING);
  assertStrictEquals(await peer.disconnect().catch((error) => error), error);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await assertCanBeUsedAgain(peer);
});

Deno.test("when the peer resets, the session is disconnecting with the error as the cause", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  remote.abort(new Error("power cut"));
  await assertRejects(() => peer.closed, Deno.errors.ConnectionReset);
  assertEquals(peer.runstate, Runstate.DISCONNECTING);
  await assertRejects(() => peer.disconnect(), Deno.errors.ConnectionReset);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await assertCanBeUsedAgain(peer);
});

for (const kind of ["throws", "rejects"] as const) {
  Deno.test(`a handler that ${kind} ends the session with its error as the cause`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const cause = new Error("cannot handle");
    protocol.handler = () => {
      if (kind === "rejects") return Promise.reject(cause);
      throw cause;
    };
    const [near, far] = memoryPair();
    await protocol.connect(near);
    const other = new Lines();
    await other.connect(far);
    await other.send("something");
    assertStrictEquals(await protocol.closed.catch((error) => error), cause);
    assertStrictEquals(
      await protocol.disconnect().catch((error) => error),
      cause,
    );
    assertEquals(await states.stop(), GOOD_SESSION);
    await assertRejects(() => other.disconnect(), Deno.errors.ConnectionReset);
    protocol.handler = () => {};
    await assertCanBeUsedAgain(protocol);
  });
}

Deno.test("disconnect() from idle goes through disconnecting", async () => {
  const protocol = new Lines();
  const states = recordRunstates(protocol);
  await protocol.disconnect();
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await assertCanBeUsedAgain(protocol);
});

Deno.test("disconnect() of a running session is an orderly end at this side", async () => {
  const { peer, remote } = await runningPeer();
  const { signal, closed } = peer;
  await peer.disconnect();
  assertEquals(signal.reason.name, "AbortError");
  await closed;
  assertEquals((await remote.readable.getReader().read()).done, true);
  await remote.close();
});

Deno.test("two concurrent disconnects have one outcome", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await remote.close();
  await peer.closed.catch(() => {});
  const outcomes = await Promise.allSettled([
    peer.disconnect(),
    peer.disconnect(),
  ]);
  const reasons = outcomes.map((outcome) =>
    outcome.status === "rejected" && outcome.reason
  );
  assertInstanceOf(reasons[0], EndOfStreamError);
  assertStrictEquals(reasons[1], reasons[0]);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
});

Deno.test("two concurrent disconnects of a running session both fulfil", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await Promise.all([peer.disconnect(), peer.disconnect()]);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await remote.close();
});

Deno.test("a disconnect() right after a failed attempt serves the next session", async () => {
  const protocol = new Lines();
  const [near, far] = memoryPair();
  const first = protocol.connect(silent);
  const ended = protocol.disconnect();
  await assertRejects(() => first, DOMException);
  await protocol.connect(near);
  await protocol.disconnect();
  assertEquals(protocol.runstate, Runstate.IDLE);
  await ended;
  await far.close();
});

Deno.test("await using disconnects, and does not treat the peer's EOF as an error", async () => {
  const [near, far] = memoryPair();
  const protocol = new Lines();
  {
    await using session = protocol;
    await session.connect(near);
    await far.close();
    await session.closed.catch(() => {});
  }
  assertEquals(protocol.runstate, Runstate.IDLE);
});

Deno.test("await using throws any other cause of the session's end", async () => {
  const [near, far] = memoryPair();
  await assertRejects(async () => {
    await using protocol = new Lines();
    await protocol.connect(near);
    far.abort(new Error("power cut"));
    await protocol.closed.catch(() => {});
  }, Deno.errors.ConnectionReset);
});
