import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toBytes } from "@std/streams";
import {
  type Codec,
  EndOfStreamError,
  Peer,
  StateError,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import {
  jsonPeer,
  overStreams,
  runningPeer,
} from "../support/protocol/session.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";

Deno.test("messages arrive in order, and the messages of one turn go out in one write", async () => {
  const written: number[] = [];
  const [near, far] = memoryPair();
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      written.push(chunk.length);
      controller.enqueue(chunk);
    },
  });
  const piped = counted.readable.pipeTo(near.writable);
  const peer = jsonPeer();
  await peer.connect(overStreams(near, { writable: counted.writable }));
  const other = jsonPeer();
  await other.connect(far);
  for (let n = 0; n < 100; n++) peer.send(n);
  const received: unknown[] = [];
  for await (const message of other) {
    received.push(message);
    if (received.length === 100) break;
  }
  assertEquals(received, Array.from({ length: 100 }, (_, n) => n));
  assertEquals(written.length, 1);
  await peer.disconnect();
  await piped;
  await assertRejects(() => other.disconnect(), EndOfStreamError);
});

for (const count of [1, 100, 10_000]) {
  Deno.test(`${count} messages sent at once are issued in writes of 64 KiB`, async () => {
    const [near, far] = memoryPair();
    const written: number[] = [];
    const writer = near.writable.getWriter();
    const peer = jsonPeer();
    const writable = new WritableStream({
      write: (chunk) => void written.push(chunk.length),
      close: () => writer.close(),
    });
    await peer.connect(overStreams(near, { writable }));
    const message = "x".repeat(61); // 64 bytes as a line
    for (let n = 0; n < count; n++) peer.send(message);
    await peer.flush();
    assertEquals(written.length, Math.ceil(64 * count / (64 * 1024)));
    assertEquals(written.reduce((sum, length) => sum + length), 64 * count);
    await peer.disconnect();
    await far.close();
  });
}

Deno.test("a message is encoded when send() is called", async () => {
  const { peer, remote } = await runningPeer();
  const message = { state: "before" };
  const sent = peer.send(message);
  message.state = "after";
  await sent;
  await peer.disconnect();
  assertEquals(
    new TextDecoder().decode(await toBytes(remote.readable)),
    '{"state":"before"}\n',
  );
  await remote.close();
});

Deno.test("a message that cannot be encoded rejects its send(), and the session goes on", async () => {
  const { peer, remote } = await runningPeer();
  const circular: { self?: unknown } = {};
  circular.self = circular;
  await peer.send(1);
  await assertRejects(() => peer.send(circular), TypeError);
  await peer.send(2);
  await peer.disconnect();
  assertEquals(
    new TextDecoder().decode(await toBytes(remote.readable)),
    "1\n2\n",
  );
  await remote.close();
});

Deno.test("the written part of a message that cannot be encoded is discarded", async () => {
  const half: Codec<string> = {
    decode: () => undefined,
    encode: (message, output) => {
      output.text(message);
      if (message === "bad") throw new TypeError("Cannot encode");
    },
  };
  const [near, far] = memoryPair();
  const peer = new Peer({ codec: () => half });
  await peer.connect(near);
  peer.send("good");
  await assertRejects(() => peer.send("bad"), TypeError);
  await peer.disconnect();
  assertEquals(new TextDecoder().decode(await toBytes(far.readable)), "good");
  await far.close();
});

Deno.test("send() waits for room once highWaterMark is queued, and a stalled peer bounds the queue", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 1000 });
  const message = "x".repeat(997);
  let sent = 0;
  const sending = (async () => {
    for (;;) {
      await peer.send(message);
      sent++;
    }
  })();
  sending.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve));
  const stalledAt = sent;
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(sent, stalledAt);
  // The memory transport holds 64 KiB, and the session its mark and a message.
  assertLessOrEqual(peer.stats.queuedBytes, 64 * 1024 + 2000);
  assertLess(stalledAt * 1000, 3 * 64 * 1024);
  remote.abort();
  await assertRejects(() => sending, Deno.errors.ConnectionReset);
  await assertRejects(() => peer.disconnect(), Deno.errors.ConnectionReset);
});

Deno.test("a waiting send() resolves when the peer reads on, and the wait is counted", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  const big = peer.send("x".repeat(1024 * 1024));
  const read = toBytes(remote.readable);
  await big;
  assert(peer.stats.blockedMs > 0);
  await peer.disconnect();
  assertEquals((await read).length, 1024 * 1024 + 3);
  await remote.close();
});

Deno.test("flush() resolves when the transport has taken all sent bytes", async () => {
  const { peer, remote } = await runningPeer();
  const read = toBytes(remote.readable);
  peer.send("x".repeat(300_000));
  assertEquals(peer.stats.queuedBytes, 300_003);
  await peer.flush();
  assertEquals(peer.stats.queuedBytes, 0);
  assertEquals(peer.stats.bytesSent, 300_003);
  await peer.disconnect();
  await read;
  await remote.close();
});

Deno.test("pending sends and flushes reject with the first cause when the session fails", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  const waiting = [
    peer.send("x".repeat(1_000_000)),
    peer.send("y"),
    peer.flush(),
  ];
  remote.abort();
  const cause = await peer.closed.catch((error) => error);
  for (const outcome of await Promise.allSettled(waiting)) {
    assertStrictEquals(outcome.status === "rejected" && outcome.reason, cause);
  }
  await assertRejects(() => peer.send("z"), StateError, "is disconnecting");
  await assertRejects(() => peer.disconnect(), Deno.errors.ConnectionReset);
});

Deno.test("pending sends and flushes reject with the first cause when the peer ends, and the messages still go out", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  const message = "x".repeat(1_000_000);
  const waiting = [peer.send(message), peer.send("y"), peer.flush()];
  await remote.writable.close();
  const outcomes = await Promise.allSettled(waiting);
  for (const outcome of outcomes) {
    assert(outcome.status === "rejected");
    assertInstanceOf(outcome.reason, EndOfStreamError);
    assertStrictEquals(outcome.reason, peer.signal.reason);
  }
  const sent = await toBytes(remote.readable);
  assertEquals(sent.length, `"${message}"\n"y"\n`.length);
  await assertRejects(() => peer.disconnect(), EndOfStreamError);
  await remote.close();
});

Deno.test("pending sends and flushes reject when disconnect() is called, and the messages still go out", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  const message = "x".repeat(1_000_000);
  const waiting = [peer.send(message), peer.flush()];
  const disconnected = peer.disconnect();
  for (const outcome of await Promise.allSettled(waiting)) {
    assert(outcome.status === "rejected");
    assertStrictEquals(outcome.reason, peer.signal.reason);
  }
  const sent = await toBytes(remote.readable);
  assertEquals(sent.length, `"${message}"\n`.length);
  await disconnected;
  await remote.close();
});

Deno.test("a send() that is not awaited is not an unhandled rejection when the session fails", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  peer.send("x".repeat(1_000_000));
  remote.abort();
  await assertRejects(() => peer.closed, Deno.errors.ConnectionReset);
  await new Promise((resolve) => setTimeout(resolve));
  await assertRejects(() => peer.disconnect(), Deno.errors.ConnectionReset);
});

Deno.test("1,000 aborted sends leave no listener on the signal, and the messages still go out", async () => {
  const { peer, remote } = await runningPeer({ highWaterMark: 0 });
  const watched = new WatchedSignal();
  const sends = Array.from(
    { length: 1000 },
    () => peer.send("x".repeat(97), { signal: watched.signal }),
  );
  assertEquals(watched.listeners, 1000);
  const reason = new Error("enough");
  watched.abort(reason);
  for (const send of await Promise.allSettled(sends)) {
    assertStrictEquals(send.status === "rejected" && send.reason, reason);
  }
  assertEquals(watched.listeners, 0);
  const read = toBytes(remote.readable);
  await peer.disconnect();
  assertEquals((await read).length, 100_000);
  await remote.close();
});

Deno.test("a peer that half-closes still gets the 8 MiB that were queued", async () => {
  const { peer, remote } = await runningPeer();
  const message = "x".repeat(1024 * 1024 - 3);
  for (let n = 0; n < 8; n++) peer.send(message);
  await remote.writable.close();
  const bytes = await toBytes(remote.readable);
  assertEquals(bytes.length, 8 * 1024 * 1024);
  await assertRejects(() => peer.closed, EndOfStreamError);
  await assertRejects(() => peer.disconnect(), EndOfStreamError);
  await remote.close();
});
