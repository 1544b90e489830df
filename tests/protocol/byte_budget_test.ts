import {
  assert,
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
  Peer,
  QueueLimitError,
  serve,
} from "../../protocol/mod.ts";
import { type Connection, memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { jsonPeer, runningPeer, write } from "../support/session.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The largest number of bytes in the pipes and buffers between two sessions. */
const PIPES = 3 * 64 * KIB;

/** Runs all pending work that does not wait for a timer. */
async function settled(): Promise<void> {
  for (let n = 0; n < 100; n++) await turns();
}

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

/** Answers each line with as many bytes as the line says, without waiting for room. */
class Lavish extends Peer<string> {
  protected override onMessage(line: string): void {
    this.send("x".repeat(Number(line) - 1)).catch(() => {});
  }
}

async function served(maxQueuedBytes: number) {
  const transport = memory();
  const sessions: Lavish[] = [];
  const codec = () => lines({ maxMessageBytes: 10 * MIB });
  const server = serve(await transport.listen(), () => {
    const session = new Lavish({ codec });
    sessions.push(session);
    return session;
  }, { maxQueuedBytes });
  const connect = async () => {
    const connection = await transport.connect();
    await settled();
    const session = sessions.at(-1);
    assert(session);
    return { connection, session };
  };
  return { transport, server, connect };
}

async function readAll(
  { readable }: Connection,
  bytes: number,
): Promise<void> {
  let received = 0;
  const reader = readable.getReader();
  while (received < bytes) {
    const { value } = await reader.read();
    received += value?.length ?? 0;
  }
  reader.releaseLock();
}

Deno.test("a server that holds too much ends its largest session, and serves the others", async () => {
  using time = new VirtualTime();
  const { server, connect } = await served(2 * MIB);
  const greedy = await connect();
  const modest = await connect();
  await write(greedy.connection, `${2 * MIB}\n${MIB}\n`);
  await write(modest.connection, `${200 * KIB}\n`);
  await settled();
  // Held: the server holds too much, and this session has more than half of it.
  await write(greedy.connection, "1\n");
  await write(modest.connection, "7\n");
  await settled();
  assertEquals(greedy.session.stats.messagesReceived, 2);
  assertEquals(modest.session.stats.messagesReceived, 2);
  await readAll(modest.connection, 200 * KIB + 7);

  time.pass(1_000);
  const cause = await rejection(greedy.session.closed);
  assertInstanceOf(cause, QueueLimitError);
  assertStringIncludes(
    cause.message,
    `maxQueuedBytes of the server is ${2 * MIB}`,
  );
  assertEquals(modest.session.runstate, "running");
  await write(modest.connection, "9\n");
  await readAll(modest.connection, 9);
  await modest.connection.close();
  await greedy.connection.close();
  await server.shutdown();
  assertEquals(time.waiting, 0);
});

Deno.test("a server that holds too much goes on with all its sessions when their peers read in time", async () => {
  using time = new VirtualTime();
  const { server, connect } = await served(MIB);
  const one = await connect();
  const other = await connect();
  await write(one.connection, `${MIB}\n${MIB}\n`);
  await settled();
  await write(one.connection, `5\n`);
  await settled();
  assertEquals(one.session.stats.messagesReceived, 2);
  time.pass(999);
  await readAll(one.connection, 2 * MIB + 5);
  assertEquals(one.session.stats.messagesReceived, 3);
  time.pass(1_000);
  await settled();
  assertEquals(server.sessions.size, 2);
  await one.connection.close();
  await other.connection.close();
  await server.shutdown();
});

Deno.test("incomplete messages count towards a server's maxQueuedBytes", async () => {
  using time = new VirtualTime();
  const { server, connect } = await served(MIB);
  const attackers = [await connect(), await connect(), await connect()];
  const writes = attackers.map(({ connection }) => {
    const writer = connection.writable.getWriter();
    return writer.write(new Uint8Array(5 * MIB).fill(65)).catch(() => {});
  });
  await settled();
  const received = () =>
    attackers.map(({ session }) => session.stats.bytesReceived)
      .reduce((sum, bytes) => sum + bytes);
  console.log(`received of three unfinished messages: ${received()} bytes`);
  assertLessOrEqual(received(), 2 * MIB + 3 * 64 * KIB);
  for (let n = 0; n < 3; n++) {
    time.pass(1_000);
    await settled();
  }
  assertLessOrEqual(server.sessions.size, 1);
  for (const { connection } of attackers) connection.abort();
  await Promise.all(writes);
  await server.shutdown();
});

Deno.test("a session in negotiation counts towards its server's maxQueuedBytes, and ends if it is exceeded", async () => {
  using time = new VirtualTime();
  class Negotiator extends Peer<string> {
    protected override async negotiate(): Promise<void> {
      await this.receive();
    }
  }
  const transport = memory();
  const codec = () => lines({ maxMessageBytes: 10 * MIB });
  let session: Negotiator | undefined;
  const server = serve(
    await transport.listen(),
    () => session = new Negotiator({ codec }),
    { maxQueuedBytes: 100 * KIB },
  );
  const connection = await transport.connect();
  const writing = connection.writable.getWriter()
    .write(new Uint8Array(5 * MIB).fill(65)).catch(() => {});
  await settled();
  assert(session);
  assertLessOrEqual(session.stats.bytesReceived, 100 * KIB + 64 * KIB);
  const { signal } = session;
  time.pass(1_000);
  await settled();
  assertInstanceOf(signal.reason, QueueLimitError);
  connection.abort();
  await writing;
  await server.shutdown();
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

Deno.test("a session that holds too much while it ends is cut short", async () => {
  using time = new VirtualTime();
  const { server, connect } = await served(MIB);
  const ending = await connect();
  await write(ending.connection, `${800 * KIB}\n`);
  await settled();
  await ending.connection.closeWrite();
  await settled();
  assertEquals(ending.session.runstate, "disconnecting");
  const other = await connect();
  await write(other.connection, `${700 * KIB}\n`);
  await settled();
  time.pass(1_000); // Its closeTimeout is 5 seconds.
  await settled();
  assertEquals(ending.session.runstate, "idle");
  assertEquals(other.session.runstate, "running");
  ending.connection.abort();
  other.connection.abort();
  await server.shutdown();
  assertEquals(time.waiting, 0);
});
