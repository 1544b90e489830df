import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  ConnectError,
  DecodeError,
  EndOfStreamError,
  lines,
  Peer,
  StateError,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { jsonPeer, runningPeer, write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";

Deno.test("receive() takes messages in order, whether received before or after the call", async () => {
  const { peer, remote } = await runningPeer();
  await write(remote, "1\n2\n");
  assertEquals(await peer.receive(), 1);
  assertEquals(await peer.receive(), 2);
  const [third, fourth] = [peer.receive(), peer.receive()];
  await write(remote, "3\n4\n");
  assertEquals([await third, await fourth], [3, 4]);
  await peer.disconnect();
  await remote.close();
});

Deno.test("an aborted receive() takes no message, and keeps no listener on its signal", async () => {
  const { peer, remote } = await runningPeer();
  const watched = new WatchedSignal();
  const first = peer.receive({ signal: watched.signal });
  const second = peer.receive();
  watched.abort();
  assertStrictEquals(await rejection(first), watched.signal.reason);
  await write(remote, "1\n2\n");
  assertEquals(await second, 1);
  const { signal } = watched;
  assertStrictEquals(await rejection(peer.receive({ signal })), signal.reason);
  assertEquals(await peer.receive(), 2);
  assertEquals(watched.listeners, 0);

  const kept = new WatchedSignal();
  const third = peer.receive({ signal: kept.signal });
  await write(remote, "3\n");
  assertEquals(await third, 3);
  assertEquals(kept.listeners, 0);
  await peer.disconnect();
  await remote.close();
});

Deno.test("a receive() that is aborted as its message arrives returns it or leaves it to the next", async () => {
  for (const turnsBefore of [0, 1, 2, 3, 5, 8, 13]) {
    const { peer, remote } = await runningPeer();
    const controller = new AbortController();
    const first = peer.receive({ signal: controller.signal })
      .catch(() => undefined);
    const writing = write(remote, "1\n2\n");
    for (let turn = 0; turn < turnsBefore; turn++) await undefined;
    controller.abort();
    const seen = [await first, await peer.receive()];
    if (seen[0] === undefined) seen.push(await peer.receive());
    assertEquals(seen.filter((message) => message !== undefined), [1, 2]);
    await writing;
    await peer.disconnect();
    await remote.close();
  }
});

Deno.test("receive() rejects with an EndOfStreamError after the last message, whichever end has ended the session", async () => {
  for (const end of ["peer", "disconnect"] as const) {
    const { peer, remote } = await runningPeer();
    const first = peer.receive();
    const second = peer.receive();
    await write(remote, "1\n");
    assertEquals(await first, 1);
    if (end === "peer") await remote.close();
    else await peer.disconnect();
    assertInstanceOf(await rejection(second), EndOfStreamError);
    assertInstanceOf(await rejection(peer.receive()), EndOfStreamError);
    await peer.disconnect().catch(() => {});
    await remote.close();
  }
});

Deno.test("receive() rejects with the cause of the session's end, after the received messages", async () => {
  const { peer, remote } = await runningPeer();
  await write(remote, "1\n{]\n");
  const cause = await rejection(peer.closed);
  assertInstanceOf(cause, DecodeError);
  assertEquals(await peer.receive(), 1);
  assertStrictEquals(await rejection(peer.receive()), cause);
  await rejection(peer.disconnect());
  await remote.close();
});

Deno.test("a receive() that is not awaited is never an unhandled rejection", async () => {
  const { peer, remote } = await runningPeer();
  peer.receive();
  peer.receive({ signal: AbortSignal.abort() });
  remote.abort();
  await rejection(peer.closed);
  peer.receive();
  await new Promise((resolve) => setTimeout(resolve));
  await rejection(peer.disconnect());
});

Deno.test("a receive() before connect() takes the first message of the session", async () => {
  const [near, far] = memoryPair();
  const peer = jsonPeer();
  const first = peer.receive();
  await peer.connect(near);
  await write(far, "1\n");
  assertEquals(await first, 1);
  await peer.disconnect();
  await far.close();
});

Deno.test("return() of an iterator ends its waiting next(), which takes no message", async () => {
  const { peer, remote } = await runningPeer();
  const left = peer[Symbol.asyncIterator]();
  const other = peer[Symbol.asyncIterator]();
  const abandoned = [left.next(), left.next()];
  const waiting = other.next();
  assertEquals(await left.return?.(), { done: true, value: undefined });
  for (const next of abandoned) {
    assertEquals(await next, { done: true, value: undefined });
  }
  await write(remote, "1\n2\n");
  assertEquals(await waiting, { done: false, value: 1 });
  assertEquals(await peer.receive(), 2);
  await peer.disconnect();
  await remote.close();
});

/** A peer whose negotiation a test can set. */
class Negotiator extends AsyncProtocol<string> {
  constructor(readonly script: (own: Negotiator) => Promise<void>) {
    super();
  }
  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override negotiate(): Promise<void> {
    return this.script(this);
  }
  override receive(options?: { signal?: AbortSignal }): Promise<string> {
    return super.receive(options);
  }
  readonly received: string[] = [];
  protected override onMessage(message: string): void {
    this.received.push(message);
  }
}

Deno.test("an aborted receive() within negotiate() takes no message of the negotiation or of the session", async () => {
  const [near, far] = memoryPair();
  const watched = new WatchedSignal();
  const negotiated: string[] = [];
  const protocol = new Negotiator(async (own) => {
    const first = own.receive({ signal: watched.signal });
    await turns();
    watched.abort();
    assertStrictEquals(await rejection(first), watched.signal.reason);
    const second = own.receive();
    await write(far, "one\ntw");
    negotiated.push(await second);
    const third = own.receive({ signal: AbortSignal.abort("no") });
    assertEquals(await third.catch((reason) => reason), "no");
    const controller = new AbortController();
    const fourth = own.receive({ signal: controller.signal });
    await turns();
    controller.abort("left");
    assertEquals(await fourth.catch((reason) => reason), "left");
  });
  await protocol.connect(near);
  await write(far, "o\nthree\n");
  await turns();
  assertEquals(negotiated, ["one"]);
  assertEquals(protocol.received, ["two", "three"]);
  assertEquals(watched.listeners, 0);
  await protocol.disconnect();
  await far.close();
});

Deno.test("the peer's EOF after an aborted receive() within negotiate() ends the negotiation", async () => {
  const [near, far] = memoryPair();
  const protocol = new Negotiator(async (own) => {
    const controller = new AbortController();
    const first = own.receive({ signal: controller.signal });
    await turns();
    controller.abort();
    await rejection(first);
    await far.close();
    await turns();
    await own.receive();
  });
  const error = await rejection(protocol.connect(near));
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, EndOfStreamError);
});

Deno.test("receive() of an AsyncProtocol rejects outside its negotiation", async () => {
  const [near, far] = memoryPair();
  const protocol = new Negotiator(() => Promise.resolve());
  await assertRejects(() => protocol.receive(), StateError);
  await protocol.connect(near);
  await assertRejects(() => protocol.receive(), StateError);
  await protocol.disconnect();
  await far.close();
});

Deno.test("receive() of a Peer receives within its negotiate(), and later in its session", async () => {
  class Greeted extends Peer<string> {
    greeting = "";
    protected override async negotiate(): Promise<void> {
      this.greeting = await this.receive();
    }
  }
  const [near, far] = memoryPair();
  const peer = new Greeted({ codec: lines });
  await Promise.all([peer.connect(near), write(far, "hello\nworld\n")]);
  assertEquals(peer.greeting, "hello");
  assertEquals(await peer.receive(), "world");
  await peer.disconnect();
  await far.close();
});
