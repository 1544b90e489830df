import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { msgpack, MsgpackRPCPeer } from "../../msgpack/mod.ts";
import { ProtocolError } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { withRawPeer } from "../support/jsonrpc_peers.ts";

/** A peer, and the other end as a `Peer` that sends and receives any value. */
function rawPeer() {
  const peer = new MsgpackRPCPeer({ methods: { ping: () => "pong" } });
  return withRawPeer(peer, () => msgpack({ bigint: true }));
}

Deno.test("a request with an id of 32 bits is answered with the same id", async () => {
  await using ends = await rawPeer();
  await ends.raw.send([0, 2 ** 32 - 1, "ping", []]);
  assertEquals(await ends.raw.receive(), [1, 2 ** 32 - 1, null, "pong"]);
});

for (const id of [2n ** 53n + 1n, 1.5, "1", null]) {
  Deno.test(`a request with id ${id} ends the session: no answer could have it`, async () => {
    await using ends = await rawPeer();
    await ends.raw.send([0, id, "ping", []]);
    const error = await rejection(ends.raw.receive());
    assertEquals(ends.raw.stats.messagesReceived, 0);
    assertInstanceOf(error, Error);
    const cause = await rejection(ends.peer.closed);
    assertInstanceOf(cause, ProtocolError);
    assertMatch(cause.message, /^Message at offset 0 is not a request/);
  });
}
