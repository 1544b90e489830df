import { assertEquals } from "@std/assert";
import { failing } from "../support/transports/failing_transport.ts";
import { FixedRandom } from "../support/fixed_random.ts";
import type { Transport } from "../../protocol/mod.ts";
import { QMPClient, reconnecting } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { Script } from "../support/qmp/qmp_script.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { turns } from "../support/turns.ts";

/** Asserts that the next attempt is made after a pause, and not before. */
async function assertPause(
  time: VirtualTime,
  pause: number,
  attempts: () => number,
): Promise<void> {
  const before = attempts();
  await turns();
  time.pass(pause - 1);
  await turns();
  assertEquals(attempts(), before);
  time.pass(1);
  await turns();
  assertEquals(attempts(), before + 1);
}

Deno.test("pauses grow to their limit, and are random below it", async () => {
  using time = new VirtualTime();
  using _random = new FixedRandom(0.25);
  const transport = failing(new Error("Nobody there"));
  const connection = reconnecting(new QMPClient(), transport, {
    initialDelay: 100,
    maxDelay: 300,
  });
  for (const [index, longest] of [100, 200, 300, 300].entries()) {
    await turns();
    assertEquals(transport.attempts, index + 1);
    await assertPause(time, longest * 0.75, () => transport.attempts);
  }
  await connection[Symbol.asyncDispose]();
  assertEquals(time.waiting, 0);
});

/** A transport whose server negotiates, and which a test ends. */
function negotiating(): { transport: Transport; servers: Script[] } {
  const servers: Script[] = [];
  const transport: Transport = {
    async connect() {
      const [near, far] = memoryPair();
      const server = await Script.over(far);
      servers.push(server);
      server.shakeHands();
      return near;
    },
    listen: () => Promise.reject(new Error("Not for listening")),
  };
  return { transport, servers };
}

Deno.test("pauses grow if a server negotiates and ends at once", async () => {
  using time = new VirtualTime();
  using _random = new FixedRandom(0);
  const { transport, servers } = negotiating();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, {
    initialDelay: 100,
    maxDelay: 350,
  });
  for (const [index, pause] of [100, 200, 350, 350].entries()) {
    await connection.connected();
    assertEquals(servers.length, index + 1);
    await servers.at(-1)?.end();
    await assertPause(time, pause, () => servers.length);
  }
});

Deno.test("pauses are short again after a session of 10 seconds", async () => {
  using time = new VirtualTime();
  using _random = new FixedRandom(0);
  const { transport, servers } = negotiating();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, {
    initialDelay: 100,
  });
  for (
    const [lifetime, pause] of [
      [0, 100],
      [9_999, 200],
      [10_000, 100],
      [5_000, 200],
      [5_000, 400],
      [20_000, 100],
    ] as const
  ) {
    await connection.connected();
    time.pass(lifetime);
    await servers.at(-1)?.end();
    await assertPause(time, pause, () => servers.length);
  }
  await connection[Symbol.asyncDispose]();
  assertEquals(time.waiting, 0);
});
