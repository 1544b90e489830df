import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toText } from "@std/streams";
import {
  EndOfStreamError,
  lines,
  Peer,
  StateError,
} from "../../protocol/mod.ts";
import { memoryPair, tcp } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { runningPeer, write } from "../support/protocol/session.ts";

/** Answers all received lines once the peer has half-closed. */
class AtEnd extends Peer<string> {
  readonly #heard: string[] = [];
  protected override onMessage(line: string): void {
    this.#heard.push(line);
  }
  protected override async onEnd(): Promise<void> {
    for (const line of this.#heard) await this.send(line.toUpperCase());
  }
}

for (const way of ["memory", "tcp"] as const) {
  Deno.test(`a client that has half-closed still gets the answer, over ${way}`, async () => {
    const client = new Peer({ codec: lines });
    const server = new AtEnd({ codec: lines });
    if (way === "memory") {
      const [near, far] = memoryPair();
      await Promise.all([client.connect(near), server.connect(far)]);
    } else {
      const listener = await tcp({ port: 0 }).listen();
      const { port } = listener.address as Deno.NetAddr;
      await Promise.all([
        client.connect(tcp({ port })),
        server.accept(listener),
      ]);
      await listener.close();
    }
    client.send("one");
    client.send("two");
    await client.end();
    assertEquals(client.runstate, "running");
    const answers = [];
    for await (const line of client) answers.push(line);
    assertEquals(answers, ["ONE", "TWO"]);
    await assertRejects(() => client.disconnect(), EndOfStreamError);
    await assertRejects(() => server.disconnect(), EndOfStreamError);
  });
}

Deno.test("after end() nothing can be sent, and queued messages are sent", async () => {
  const { peer, remote } = await runningPeer();
  const text = "x".repeat(1_000_000);
  peer.send(text);
  const ended = peer.end();
  const again = peer.end();
  const refused = await rejection(peer.send("too late"));
  assertInstanceOf(refused, StateError);
  assertEquals(refused.message, "Peer cannot send: end() has ended writing");
  assertEquals(await toText(remote.readable), `"${text}"\n`);
  await Promise.all([ended, again, peer.flush()]);
  await write(remote, "1\n");
  assertEquals(await peer.receive(), 1);
  assertEquals(peer.stats.messagesSent, 1);
  await peer.disconnect();
  await remote.close();
});

Deno.test("aborting end() ends only its wait", async () => {
  const { peer, remote } = await runningPeer();
  peer.send("x".repeat(1_000_000));
  const watched = new WatchedSignal();
  const ended = peer.end({ signal: watched.signal });
  watched.abort();
  assertStrictEquals(await rejection(ended), watched.signal.reason);
  assertEquals(watched.listeners, 0);
  assertEquals((await toText(remote.readable)).length, 1_000_003);
  await peer.disconnect();
  await remote.close();
});

Deno.test("end() rejects with the cause of its session's end, and with a StateError without a session", async () => {
  const { peer, remote } = await runningPeer();
  peer.send("x".repeat(1_000_000));
  const ended = peer.end();
  remote.abort();
  const cause = await rejection(peer.closed);
  assertStrictEquals(await rejection(ended), cause);
  await rejection(peer.disconnect());
  assertInstanceOf(await rejection(peer.end()), StateError);
  // None of them is an unhandled rejection.
  peer.end();
  await new Promise((resolve) => setTimeout(resolve));
});

Deno.test("disconnect() after end() ends in order, and sends the rest", async () => {
  const { peer, remote } = await runningPeer();
  peer.send("x".repeat(1_000_000));
  const ended = rejection(peer.end());
  const disconnecting = peer.disconnect();
  assertEquals((await toText(remote.readable)).length, 1_000_003);
  await disconnecting;
  await peer.closed;
  assertInstanceOf(await ended, DOMException);
  await remote.close();
});
