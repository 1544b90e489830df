import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  AsyncProtocol,
  ByteBudget,
  type Codec,
  EndOfStreamError,
  lines,
  QueueLimitError,
  serve,
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { jsonPeer, runningPeer, write } from "../support/protocol/session.ts";
import { settled } from "../support/turns.ts";

const KIB = 1024;

const MIB = 1024 * KIB;

/** The largest number of bytes in the pipes and buffers between two sessions. */
const PIPES = 3 * 64 * KIB;

Deno.test("an exceeded budget has room again when enough bytes are released", async () => {
  const budget = new ByteBudget(100);
  budget.take(100);
  assertEquals(budget.exceeded, false);
  await budget.room();
  budget.take(50);
  assertEquals(budget.exceeded, true);
  const events: string[] = [];
  const rooms = [budget.room(), budget.room()];
  for (const room of rooms) room.then(() => events.push("room"));
  budget.release(49);
  await settled();
  assertEquals(events, []);
  budget.release(1);
  await Promise.all(rooms);
  assertEquals([events.length, budget.used], [2, 100]);
});

Deno.test("bytes that wait to be sent are counted, and do not hold the reader", () => {
  const budget = new ByteBudget(100);
  budget.wait(150);
  assertEquals([budget.waiting, budget.used], [150, 0]);
  assertEquals(budget.exceeded, false);
  budget.wait(-50);
  assertEquals(budget.waiting, 100);
});

Deno.test("sends that are not awaited end the session of a peer that does not read", async () => {
  const { peer, remote } = await runningPeer({ maxQueuedBytes: MIB });
  const message = "x".repeat(790);
  let most = 0;
  const outcomes = [];
  for (let n = 0; n < 20_000; n++) {
    outcomes.push(peer.send(message).catch((error) => error));
    most = Math.max(most, peer.stats.queuedBytes);
  }
  const cause = await rejection(peer.closed);
  assertInstanceOf(cause, QueueLimitError);
  assertEquals(cause.limit, MIB);
  assertStringIncludes(cause.message, `maxQueuedBytes is ${MIB}`);
  assertStringIncludes(cause.message, String(cause.bytes));
  console.log(`queued at most: ${most} bytes`);
  assertLessOrEqual(most, MIB + 793);
  assertEquals(peer.runstate, "disconnecting");
  const [first] = await Promise.all(outcomes);
  assertEquals(first, undefined);
  assertEquals(await outcomes.at(-1) instanceof Error, true);
  assertEquals(await rejection(peer.disconnect()), cause);
  await remote.close();
});

Deno.test("maxQueuedBytes is 8 MiB by default", async () => {
  const { peer, remote } = await runningPeer();
  const message = "x".repeat(MIB - 3);
  for (let n = 0; n < 9; n++) peer.send(message).catch(() => {});
  assertEquals(peer.runstate, "running");
  peer.send(message).catch(() => {});
  const cause = await rejection(peer.closed);
  assertInstanceOf(cause, QueueLimitError);
  assertEquals(cause.limit, 8 * MIB);
  await peer.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("awaited sends wait for a slow peer, also if highWaterMark is above maxQueuedBytes", async () => {
  const options = { maxQueuedBytes: 10_000, highWaterMark: Infinity };
  const { peer, remote } = await runningPeer(options);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 1_000; sent++) await peer.send("x".repeat(1_000));
  })();
  await settled();
  assertLess(sent, 1_000);
  assertEquals(peer.runstate, "running");
  let received = 0;
  for await (const chunk of remote.readable) {
    received += chunk.length;
    if (received === 1_003 * 1_000) break;
  }
  await sending;
  await peer.disconnect();
  await remote.close();
});

Deno.test("a message that is larger than maxQueuedBytes is sent and received if nothing else is held", async () => {
  const [near, far] = memoryPair();
  const options = { maxQueuedBytes: 1_000, maxMessageBytes: MIB };
  const one = jsonPeer(options);
  const other = jsonPeer(options);
  await Promise.all([one.connect(near), other.connect(far)]);
  const message = "x".repeat(500_000);
  const messages = other[Symbol.asyncIterator]();
  for (let n = 0; n < 5; n++) {
    const sent = one.send(message);
    assertEquals((await messages.next()).value, message);
    await sent;
  }
  await one.disconnect();
  await assertRejects(() => other.disconnect(), EndOfStreamError);
});

Deno.test("a Peer whose messages are not taken holds at most maxQueuedBytes and one message", async () => {
  const { peer, remote } = await runningPeer({
    maxQueuedBytes: MIB,
    maxMessageBytes: 10 * MIB,
  });
  const size = 300 * KIB;
  const line = `"${"x".repeat(size - 3)}"\n`;
  let written = 0;
  const writing = (async () => {
    for (; written < 20; written++) await write(remote, line);
  })();
  await settled();
  const { messagesReceived, bytesReceived } = peer.stats;
  console.log(`received while no message is taken: ${bytesReceived} bytes`);
  assertEquals(messagesReceived, 4);
  assertLessOrEqual(bytesReceived, MIB + size + PIPES);
  let taken = 0;
  for await (const _ of peer) if (++taken === 20) break;
  await writing;
  await peer.disconnect();
  await remote.close();
});

Deno.test("a protocol that keeps messages reads no further until it releases them", async () => {
  class Keeper extends AsyncProtocol<string> {
    kept: number[] = [];
    protected override createCodec(): Codec<string> {
      return lines({ maxMessageBytes: MIB });
    }
    protected override onMessage(_message: string, bytes: number): void {
      this.kept.push(bytes);
      this.budget.take(bytes);
    }
    drop(): void {
      this.budget.release(this.kept.shift() ?? 0);
    }
  }
  const [near, far] = memoryPair();
  const keeper = new Keeper({ maxQueuedBytes: 1_000 });
  await keeper.connect(near);
  await write(far, "Grüße\n".repeat(1_000));
  await settled();
  assertEquals(keeper.kept.length, Math.floor(1_000 / 8) + 1);
  assertEquals(keeper.kept[0], 8);
  keeper.drop();
  await settled();
  assertEquals(keeper.stats.messagesReceived, Math.floor(1_000 / 8) + 2);
  // Bytes that a session does not release do not count in the next one.
  await keeper.disconnect();
  await far.close();
  const [nextNear, nextFar] = memoryPair();
  keeper.kept = [];
  await keeper.connect(nextNear);
  await write(nextFar, "x\n");
  await settled();
  assertEquals(keeper.kept, [2]);
  await keeper.disconnect();
  await nextFar.close();
});

Deno.test("disconnect() ends a session whose reader is held by its budget", async () => {
  const { peer, remote } = await runningPeer({ maxQueuedBytes: 1 });
  await write(remote, "1\n2\n3\n");
  await settled();
  assertEquals(peer.stats.messagesReceived, 1);
  await peer.disconnect();
  await remote.close();
});

Deno.test("a send that is not awaited and fails is not an unhandled rejection", async () => {
  const { peer, remote } = await runningPeer({ maxQueuedBytes: 10 });
  const aborted = AbortSignal.abort(new Error("aborted"));
  const sends = [
    () => peer.send(undefined),
    () => peer.send("x", { signal: aborted }),
    () => peer.flush({ signal: aborted }),
    () => peer.send("more than there is room for"),
    () => peer.send("too much"),
    () => peer.send("after the end"),
    () => peer.flush(),
  ];
  const outcomes = sends.map((send) => send());
  await rejection(peer.closed);
  await peer.disconnect().catch(() => {});
  outcomes.push(peer.send("without a session"), peer.flush());
  // An unhandled rejection ends the process after a turn of the event loop.
  await new Promise((resolve) => setTimeout(resolve));
  for (const outcome of outcomes) {
    assertInstanceOf(await rejection(outcome), Error);
  }
  await remote.close();
});

Deno.test("a maxQueuedBytes that is out of range is refused", async () => {
  for (const maxQueuedBytes of [0, -1, NaN]) {
    await assertRejects(
      async () => await Promise.resolve(jsonPeer({ maxQueuedBytes })),
      RangeError,
      `maxQueuedBytes is ${maxQueuedBytes}`,
    );
    const transport = memory();
    await using listener = await transport.listen();
    await assertRejects(
      async () =>
        await Promise.resolve(
          serve(listener, () => jsonPeer(), { maxQueuedBytes }),
        ),
      RangeError,
      `maxQueuedBytes is ${maxQueuedBytes}`,
    );
  }
});
