import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { lines, Peer, QueueLimitError, serve } from "../../protocol/mod.ts";
import { type Connection, memory } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";
import { settled } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const KIB = 1024;

const MIB = 1024 * KIB;

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
