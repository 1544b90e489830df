import {
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { EndOfStreamError, jsonLines, Peer } from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { jsonPeer, runningPeer } from "../support/protocol/session.ts";

const encoder = new TextEncoder();

Deno.test("an iteration ends after the received messages when the peer ends the stream", async () => {
  const { peer, remote } = await runningPeer();
  const writer = remote.writable.getWriter();
  await writer.write(encoder.encode("1\n2\n3\n"));
  await writer.close();
  const seen: unknown[] = [];
  for await (const message of peer) seen.push(message);
  assertEquals(seen, [1, 2, 3]);
  await assertRejects(() => peer.disconnect(), EndOfStreamError);
  await remote.close();
});

Deno.test("an iteration throws the cause of the session's end, after the received messages", async () => {
  const { peer, remote } = await runningPeer();
  const writer = remote.writable.getWriter();
  await writer.write(encoder.encode("1\n{]\n"));
  const cause = await peer.closed.catch((error) => error);
  const iterator = peer[Symbol.asyncIterator]();
  assertEquals(await iterator.next(), { done: false, value: 1 });
  assertStrictEquals(await iterator.next().catch((error) => error), cause);
  assertEquals((await iterator.next()).done, true);
  await peer.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("each iteration of a session that fails throws the cause, once, and so does receive()", async () => {
  const { peer, remote } = await runningPeer();
  const iterators = [1, 2].map(() => peer[Symbol.asyncIterator]());
  const waits = iterators.map((iterator) => iterator.next());
  const receiving = peer.receive();
  remote.abort();
  const cause = await rejection(peer.closed);
  for (const wait of [...waits, receiving]) {
    assertStrictEquals(await rejection(wait), cause);
  }
  for (const iterator of iterators) {
    assertEquals((await iterator.next()).done, true);
  }
  await assertRejects(() => peer.receive(), EndOfStreamError);
  const late = peer[Symbol.asyncIterator]();
  assertStrictEquals(await rejection(late.next()), cause);
  await rejection(peer.disconnect());
});

Deno.test("promises that reject when the session ends may be awaited later", async () => {
  const { peer, remote } = await runningPeer();
  const waits = [
    peer.send("x".repeat(1024 * 1024)),
    peer.flush(),
    peer[Symbol.asyncIterator]().next(),
  ];
  remote.abort();
  const cause = await rejection(peer.closed);
  // An unhandled rejection would end the process meanwhile.
  await new Promise((resolve) => setTimeout(resolve));
  for (const wait of waits) assertStrictEquals(await rejection(wait), cause);
  await rejection(peer.disconnect());
});

Deno.test("a waiting iteration ends with an orderly disconnect()", async () => {
  const { peer, remote } = await runningPeer();
  const next = peer[Symbol.asyncIterator]().next();
  await peer.disconnect();
  assertEquals((await next).done, true);
  await remote.close();
});

Deno.test("after break, the next iteration misses no message", async () => {
  const { peer, remote } = await runningPeer();
  const writer = remote.writable.getWriter();
  await writer.write(encoder.encode("1\n2\n3\n"));
  for await (const message of peer) {
    assertEquals(message, 1);
    break;
  }
  for await (const message of peer) {
    assertEquals(message, 2);
    break;
  }
  await peer.disconnect();
  await remote.close();
});

Deno.test("an iteration that begins before connect() gets the first session's messages", async () => {
  const [near, far] = memoryPair();
  const peer = jsonPeer();
  const next = peer[Symbol.asyncIterator]().next();
  await peer.connect(near);
  await far.writable.getWriter().write(encoder.encode("1\n"));
  assertEquals(await next, { done: false, value: 1 });
  await peer.disconnect();
  await far.close();
});

Deno.test("each session has its own messages", async () => {
  const peer = jsonPeer();
  for (const n of [1, 2]) {
    const [near, far] = memoryPair();
    await peer.connect(near);
    await far.writable.getWriter().write(encoder.encode(`${n}\n"left over"\n`));
    assertEquals(await peer[Symbol.asyncIterator]().next(), {
      done: false,
      value: n,
    });
    await peer.disconnect();
    await far.close();
  }
});

Deno.test("a Peer that is not iterated stops its peer after a bounded number of messages", async () => {
  const { peer, remote } = await runningPeer();
  const writer = remote.writable.getWriter();
  const line = encoder.encode(`"${"x".repeat(1021)}"\n`);
  let written = 0;
  const writing = (async () => {
    for (; written < 1000; written++) await writer.write(line);
  })();
  await new Promise((resolve) => setTimeout(resolve));
  const stalledAt = written;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(written, stalledAt);
  // 64 messages wait to be iterated; two buffers of 64 KiB hold the rest.
  assertLess(stalledAt, 64 + 3 * 64);
  assertEquals(peer.stats.messagesReceived, 64);

  let read = 0;
  for await (const _ of peer) if (++read === 1000) break;
  await writing;
  await peer.disconnect();
  await remote.close();
});

Deno.test("an iterated Peer pauses the reader once for many messages, not for each", async () => {
  let holds = 0;
  class Counting extends Peer<unknown> {
    protected override onMessage(message: unknown): void | Promise<void> {
      const held = super.onMessage(message);
      if (held) holds++;
      return held;
    }
  }
  const [near, far] = memoryPair();
  const peer = new Counting({ codec: jsonLines });
  await peer.connect(near);
  const writing = far.writable.getWriter().write(
    encoder.encode("1\n".repeat(6400)),
  );
  let read = 0;
  for await (const _ of peer) if (++read === 6400) break;
  await writing;
  assertGreater(holds, 0);
  assertLess(holds, 6400 / 32 + 1);
  await peer.disconnect();
  await far.close();
});

Deno.test("disconnect() ends a session whose reader is held by backpressure", async () => {
  const { peer, remote } = await runningPeer();
  await remote.writable.getWriter().write(encoder.encode("1\n".repeat(100)));
  while (peer.stats.messagesReceived < 64) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  await peer.disconnect();
  let left = 0;
  for await (const _ of peer) left++;
  assertEquals(left, 64);
  await remote.close();
});

Deno.test("a peer's options are checked, and errors name the option and the value", () => {
  assertThrows(
    () => new Peer({ codec: undefined as never }),
    TypeError,
    "codec is undefined",
  );
  const codec = () => jsonLines();
  assertThrows(
    () => new Peer({ codec, highWaterMark: -1 }),
    RangeError,
    "highWaterMark is -1",
  );
  assertThrows(
    () => new Peer({ codec, closeTimeout: -1 }),
    RangeError,
    "closeTimeout is -1",
  );
  assertThrows(
    () => new Peer({ codec, closeTimeout: NaN }),
    RangeError,
    "closeTimeout is NaN",
  );
});
