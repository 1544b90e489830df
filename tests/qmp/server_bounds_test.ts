import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { QueueLimitError } from "../../protocol/mod.ts";
import { QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { RawQMPClient } from "../support/qmp/raw_qmp_client.ts";
import {
  agreedSession,
  agreeOn,
  rawSession,
} from "../support/qmp/raw_qmp_session.ts";
import { settled } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** The default of highWaterMark. */
const HIGH_WATER_MARK = 128 * KIB;
/** The bytes that a pipe in memory and a session's buffer hold before a writer waits. */
const BUFFERED = 256 * KIB;

/** Writes a unit again and again without reading, until the peer takes no more. */
async function flood(
  client: RawQMPClient,
  unit: string,
  goal: number,
): Promise<number> {
  const chunk = new TextEncoder().encode(
    unit.repeat(Math.ceil(16 * KIB / unit.length)),
  );
  let written = 0;
  const writing = (async () => {
    for (; written < goal; written += chunk.length) await client.write(chunk);
  })();
  writing.catch(() => {});
  for (let last = -1; last !== written;) {
    last = written;
    await settled();
  }
  return written;
}

Deno.test("before negotiation a client that never reads its answers is not read: at most highWaterMark is queued", async () => {
  await using both = await rawSession();
  const { client, session } = both;
  const sent = await flood(
    client,
    '{"execute":"query-version","id":1}',
    2 * MIB,
  );
  const { queuedBytes } = session.stats;
  console.log(`${sent} bytes taken, ${queuedBytes} queued`);
  assertLess(queuedBytes, HIGH_WATER_MARK + KIB);
  assertLess(sent, HIGH_WATER_MARK + BUFFERED);
});

Deno.test("little is queued for a client that never reads and sends no commands, before its session ends", async () => {
  await using both = await rawSession();
  const { client, session } = both;
  await flood(client, "1\n", 2 * MIB);
  assertLess(session.stats.queuedBytes, KIB);
  await session.closed.catch(() => {});
});

Deno.test("after negotiation, too, at most highWaterMark is queued for a client that never reads", async () => {
  await using both = await agreedSession();
  const { client, session } = both;
  const sent = await flood(
    client,
    '{"execute":"query-version","id":1}',
    6 * MIB,
  );
  const { queuedBytes } = session.stats;
  console.log(`${sent} bytes taken, ${queuedBytes} queued`);
  assertLess(queuedBytes, HIGH_WATER_MARK + KIB);
});

Deno.test("out of band, at most highWaterMark and 8 answers are queued for a client that never reads", async () => {
  let executed = 0;
  await using both = await agreedSession({
    commands: { ping: { oob: true, run: () => void executed++ } },
  }, "oob");
  const { client, session } = both;
  const sent = await flood(client, '{"exec-oob":"ping","id":1}', 6 * MIB);
  const { queuedBytes } = session.stats;
  console.log(
    `${sent} bytes taken, ${executed} commands executed, ${queuedBytes} queued`,
  );
  assertLess(queuedBytes, HIGH_WATER_MARK + KIB);
  assertLess(sent, HIGH_WATER_MARK + BUFFERED);
});

Deno.test("at most 8 out-of-band commands are pending, and the next ones run after them", async () => {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  await using both = await agreedSession({
    commands: {
      slow: {
        oob: true,
        run: async () => {
          begun++;
          await gate.promise;
        },
      },
    },
  }, "oob");
  const { client, session } = both;
  for (let id = 0; id < 100; id++) {
    await client.write(`{"exec-oob":"slow","id":${id}}`);
  }
  await settled();
  assertEquals(begun, 8);
  // The request for capabilities, and 8 commands.
  assertEquals(session.stats.messagesReceived, 9);
  gate.resolve();
  const answers = await client.take(100);
  assertEquals(begun, 100);
  assertEquals(new Set(answers.map((answer) => answer?.id)).size, 100);
});

Deno.test("a slow out-of-band command delays neither other out-of-band commands nor in-band commands", async () => {
  const gate = Promise.withResolvers<void>();
  await using both = await agreedSession({
    commands: {
      slow: { oob: true, run: () => gate.promise },
      quick: { oob: true, run: () => {} },
    },
  }, "oob");
  const { client } = both;
  await client.write(
    '{"exec-oob":"slow","id":1}{"exec-oob":"quick","id":2}' +
      '{"execute":"quick","id":3}',
  );
  const answers = await client.take(2);
  assertEquals(answers.map((answer) => answer?.id).sort(), [2, 3]);
  gate.resolve();
  assertEquals(await client.next(), { return: {}, id: 1 });
});

Deno.test("a session reads no more while the bytes of waiting commands exceed maxQueuedBytes", async () => {
  const gate = Promise.withResolvers<void>();
  await using both = await agreedSession({
    maxQueuedBytes: MIB,
    commands: { slow: () => gate.promise },
  });
  const { client, session } = both;
  const command = JSON.stringify({
    execute: "slow",
    arguments: { data: "x".repeat(400 * KIB) },
  });
  const writing = client.write(command.repeat(8));
  await settled();
  // The request for capabilities, and as many as exceed the limit.
  assertEquals(session.stats.messagesReceived, 1 + 3);
  gate.resolve();
  await client.take(8);
  await writing;
  assertEquals(session.stats.messagesReceived, 1 + 8);
});

Deno.test("a server's sessions share its maxQueuedBytes, and small commands of others are executed meanwhile", async () => {
  const gate = Promise.withResolvers<void>();
  const transport = memory();
  await using server = new QMPServer({
    commands: { slow: () => gate.promise, quick: () => "done" },
  });
  server.serve(await transport.listen(), { maxQueuedBytes: 2 * MIB });
  const command = JSON.stringify({
    execute: "slow",
    arguments: { data: "x".repeat(MIB) },
  });
  const greedy: RawQMPClient[] = [];
  for (let n = 0; n < 3; n++) {
    const client = new RawQMPClient(await transport.connect());
    await client.write(agreeOn());
    await client.take(2);
    client.write(command.repeat(7)).catch(() => {});
    greedy.push(client);
  }
  await settled();
  const held = [...server.sessions].map(({ stats }) => stats.bytesReceived)
    .reduce((sum, bytes) => sum + bytes);
  console.log(`${held} bytes received of ${21 * command.length}`);
  // The limit, and a message and a read of each session beyond it.
  assertLess(held, 2 * MIB + 3 * (MIB + BUFFERED));
  await using client = new QMPClient();
  await client.connect(transport);
  assertEquals(await client.execute("quick"), "done");
  gate.resolve();
  for (const client of greedy) await client[Symbol.asyncDispose]();
});

Deno.test("emit() waits at most a second, once, for a client that never reads, and others go on", async () => {
  using time = new VirtualTime();
  const transport = memory();
  await using server = new QMPServer({
    closeTimeout: 0,
    commands: {
      tell: async ({ size }, { server }) => {
        await server.emit("TOLD", { text: "x".repeat(Number(size)) });
      },
    },
  });
  server.serve(await transport.listen());
  await using silent = new RawQMPClient(await transport.connect());
  await silent.write(agreeOn());
  await silent.take(2);
  const [attacked] = server.sessions;
  assert(attacked);
  await using client = new QMPClient();
  await client.connect(transport);
  // More than there is room for: the first answer waits for the silent client.
  const first = client.execute("tell", { size: MIB });
  await settled();
  assertEquals(attacked.stats.queuedBytes > MIB / 2, true);
  time.pass(999);
  await settled();
  assertEquals(await Promise.race([first, "waits"]), "waits");
  time.pass(1);
  assertEquals(await first, {});
  // From then on, nothing waits for it, and in the end its session ends.
  let most = 0;
  for (let n = 0; n < 20; n++) {
    await client.execute("tell", { size: MIB });
    most = Math.max(most, attacked.stats.queuedBytes);
  }
  assertLess(most, 10 * MIB);
  console.log(`${(most / MIB).toFixed(1)} MiB queued at most`);
  await assertRejects(() => attacked.closed, QueueLimitError);
  assertEquals(server.sessions.size, 1);
});

Deno.test("a client that reads again after a pause gets every event", async () => {
  await using both = await agreedSession();
  const { client, server, session } = both;
  const data = { text: "x".repeat(300 * KIB) };
  using time = new VirtualTime();
  const emitted = server.emit("A", data);
  await settled();
  time.pass(1000);
  await emitted;
  await server.emit("B", data);
  await server.emit("C", data);
  const events = await client.take(3);
  assertEquals(events.map((event) => event?.event), ["A", "B", "C"]);
  await settled();
  assertEquals(session.stats.queuedBytes, 0);
});

Deno.test("emit() waits a second in all for a client that reads a little within each second", async () => {
  await using both = await agreedSession();
  const { client, server } = both;
  const data = { text: "x".repeat(300 * KIB) };
  let now = 1000;
  const { now: realNow } = performance;
  performance.now = () => now;
  try {
    for (let n = 1; n <= 3; n++) {
      const emitted = server.emit(`${n}`, data);
      await settled();
      // The third time there is no patience left.
      const held = await Promise.race([emitted, "waits"]) === "waits";
      assertEquals(held, n < 3);
      now += 600;
      await client.next();
      await emitted;
    }
  } finally {
    performance.now = realNow;
  }
});

Deno.test("an event to one client waits for room as long as it takes", async () => {
  await using both = await agreedSession();
  const { client, session } = both;
  using time = new VirtualTime();
  const emitted = session.emit("A", { text: "x".repeat(300 * KIB) });
  await settled();
  time.pass(60_000);
  await settled();
  assertEquals(await Promise.race([emitted, "waits"]), "waits");
  await client.next();
  await emitted;
});

/** A session of a server, and the client's end of its connection. */
const begin = {
  "createSession()": async (server: QMPServer) => {
    const [near, far] = memoryPair();
    await server.createSession().connect(near);
    return far;
  },
  "serve()": async (server: QMPServer) => {
    const transport = memory();
    server.serve(await transport.listen());
    return await transport.connect();
  },
};
for (
  const [situation, command] of [
    ["whose command never ends", '{"execute":"hangs"}'],
    ["whose client does not read its answers", '{"execute":"query-version"}'],
  ] as const
) {
  for (const [made, connect] of Object.entries(begin)) {
    Deno.test(`close() ends a session of ${made} ${situation}, within closeTimeout`, async () => {
      using time = new VirtualTime();
      const server = new QMPServer({
        closeTimeout: 100,
        commands: { hangs: () => new Promise(() => {}) },
      });
      await using client = new RawQMPClient(await connect(server));
      await client.write(agreeOn());
      await client.take(2);
      await flood(client, command, 2 * MIB);
      const [session] = server.sessions;
      let closed = false;
      const closing = server.close().then(() => closed = true);
      await settled();
      time.pass(99);
      await settled();
      assertEquals(closed, false);
      time.pass(1);
      await closing;
      assertEquals(server.sessions.size, 0);
      assertEquals(session?.runstate, "idle");
    });
  }
}

Deno.test("finish() of a session ends at once when its signal is aborted", async () => {
  await using both = await agreedSession({
    commands: { hangs: () => new Promise(() => {}) },
  });
  const { client, session } = both;
  await client.write('{"execute":"hangs"}');
  await settled();
  await session.finish({ signal: AbortSignal.abort() });
  assertEquals(session.runstate, "idle");
});
