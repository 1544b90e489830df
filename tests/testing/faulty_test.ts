import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { toBytes } from "@std/streams";
import { jsonLines, Peer } from "../../protocol/mod.ts";
import { noise, send } from "../../testing/_util/bytes.ts";
import { meet } from "../../testing/_laws/meet.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  type Fault,
  type FaultPlan,
  faulty,
  type InjectedFault,
  testTransport,
} from "../../testing/mod.ts";
import {
  type Address,
  type Connection,
  memory,
  tcp,
  type Transport,
} from "../../transports/mod.ts";
import { turns } from "../support/turns.ts";

let injected = 0;
Deno.test.afterAll(() => console.log(`faulty(): ${injected} faults injected`));
const onFault = () => void injected++;

function tcpAt(address?: Address): Transport {
  if (!address) return tcp({ port: 0 });
  assert("port" in address);
  return tcp(address);
}

/** A connecting end with faults, and an accepting end without. */
function troubled(
  plan: FaultPlan,
  make: () => Transport = memory,
): Promise<[Connection, Connection]> {
  const transport = make();
  return meet({
    server: () => transport,
    client: (address) =>
      faulty(address.transport === "tcp" ? tcpAt(address) : transport, plan),
  });
}

testTransport("memory with splits and delays", () => {
  const faults: Fault[] = ["split", "delay"];
  const plan: FaultPlan = { faults, every: 500_000, onFault };
  const transport = faulty(memory(), plan);
  return meet({ server: () => transport, client: () => transport });
});

testTransport("tcp with splits", () => {
  const plan: FaultPlan = { faults: ["split"], every: 5_000, onFault };
  const make = (address?: Address) => faulty(tcpAt(address), plan);
  return meet({ server: make, client: make });
});

Deno.test("faulty() repeats its faults with the same seed, over any transport and in any chunks", async () => {
  async function run(seed: number, make: () => Transport, chunkSize: number) {
    const faults: InjectedFault[] = [];
    const [near, far] = await troubled({
      seed,
      faults: ["split", "delay", "corrupt"],
      every: 500,
      onFault(fault) {
        onFault();
        faults.push(fault);
      },
    }, make);
    const [there, back] = await Promise.all([
      toBytes(far.readable),
      toBytes(near.readable),
      send(near.writable, noise(20_000, 1), chunkSize),
      send(far.writable, noise(10_000, 2), chunkSize),
    ]);
    await Promise.all([near.close(), far.close()]);
    const ways = Object.groupBy(faults, ({ direction }) => direction);
    return { there, back, ways };
  }
  for (let seed = 0; seed < 5; seed++) {
    const first = await run(seed, memory, 1000);
    assertEquals(await run(seed, memory, 37), first);
    assertEquals(await run(seed, tcpAt, 20_000), first);
    assertNotEquals((await run(seed + 1, memory, 1000)).ways, first.ways);
    assertNotEquals(first.there, noise(20_000, 1));
  }
});

Deno.test("faulty() gives each direction of each connection its own faults", async () => {
  const faults: InjectedFault[] = [];
  const transport = faulty(memory(), {
    seed: 1,
    faults: ["split"],
    every: 1000,
    onFault: (fault) => faults.push(fault),
  });
  for (let i = 0; i < 3; i++) {
    const [near, far] = await meet({
      server: () => transport,
      client: () => transport,
    });
    const ends = [send(near.writable, noise(5000)), toBytes(far.readable)];
    ends.push(send(far.writable, noise(5000)), toBytes(near.readable));
    await Promise.all(ends);
    await Promise.all([near.close(), far.close()]);
  }
  const ways = Object.groupBy(
    faults,
    ({ role, connection, direction }) => `${role} ${connection} ${direction}`,
  );
  assertEquals(Object.keys(ways).length, 12);
  const offsets = Object.values(ways).map((way = []) =>
    way.map(({ offset }) => offset).join()
  );
  assertEquals(new Set(offsets).size, 12);
});

Deno.test("faulty() injects faults as often as its options say", async () => {
  const before = injected;
  const [near, far] = await troubled({
    faults: ["split"],
    every: 1000,
    onFault,
  });
  await Promise.all([
    send(near.writable, noise(1_000_000)),
    toBytes(far.readable),
  ]);
  await near.close();
  assertGreater(injected - before, 900);
  assertGreater(1100, injected - before);
});

/** A faulty end with one kind of fault, and the offset of the first in each direction. */
async function befallen(fault: Fault) {
  const first = { read: 0, write: 0 };
  const [near, far] = await troubled({
    seed: 7,
    faults: [fault],
    every: 100,
    onFault({ direction, offset }) {
      onFault();
      first[direction] ||= offset;
    },
  });
  return { near, far, first };
}

Deno.test("a split ends a chunk at its offset", async () => {
  const offsets: number[] = [];
  const [near, far] = await troubled({
    faults: ["split"],
    every: 100,
    onFault({ offset }) {
      onFault();
      offsets.push(offset);
    },
  });
  const ends: number[] = [];
  let length = 0;
  const reading = (async () => {
    for await (const chunk of near.readable) ends.push(length += chunk.length);
  })();
  await send(far.writable, noise(10_000));
  await reading;
  assertGreater(offsets.length, 50);
  // A split may come at the end of a chunk.
  assertEquals(ends, [...new Set([...offsets, 10_000])]);
  await near.close();
});

Deno.test("a corruption changes one bit of the byte at its offset", async () => {
  const offsets: number[] = [];
  const [near, far] = await troubled({
    faults: ["corrupt"],
    every: 100,
    onFault({ offset }) {
      onFault();
      offsets.push(offset);
    },
  });
  const sent = noise(10_000);
  const [received] = await Promise.all([
    toBytes(far.readable),
    send(near.writable, sent),
  ]);
  assertEquals(received.length, sent.length);
  const wrong = [...received.keys()].filter((i) => received[i] !== sent[i]);
  assertEquals(wrong, offsets);
  for (const i of wrong) {
    const bits = ((received[i] ?? 0) ^ (sent[i] ?? 0)).toString(2);
    assertMatch(bits, /^10*$/);
  }
  await near.close();
});

Deno.test("a stall holds a direction until abort()", async () => {
  const { near, far, first } = await befallen("stall");
  const reader = near.readable.getReader({ mode: "byob" });
  const writes = rejection(far.writable.getWriter().write(noise(100_000)));
  const { value } = await reader.read(new Uint8Array(1000));
  const next = rejection(reader.read(new Uint8Array(1)));
  const written = rejection(near.writable.getWriter().write(noise(100_000)));
  const passed = await far.readable.getReader().read();
  await turns();
  assertEquals(value, noise(100_000).subarray(0, first.read));
  assertEquals(passed.value, noise(100_000).subarray(0, first.write));
  const reason = new Error("enough");
  near.abort(reason);
  assertStrictEquals(await next, reason);
  assertStrictEquals(await written, reason);
  assertInstanceOf(await writes, Deno.errors.ConnectionReset);
});

Deno.test("a truncation ends both directions at its offset", async () => {
  const { near, far, first } = await befallen("truncate");
  const writes = rejection(far.writable.getWriter().write(noise(100_000)));
  const received = await toBytes(near.readable);
  assertEquals(received, noise(100_000).subarray(0, first.read));
  assertInstanceOf(await writes, Deno.errors.BrokenPipe);
  await assertRejects(
    () => near.writable.getWriter().write(noise(1)),
    Deno.errors.BrokenPipe,
  );
  assertEquals((await toBytes(far.readable)).length, 0);
  await near.close();
});

Deno.test("a reset fails both directions, with the seed", async () => {
  const { near, far, first } = await befallen("reset");
  const writes = rejection(near.writable.getWriter().write(noise(100_000)));
  const read = rejection(near.readable.getReader().read());
  const received = rejection(toBytes(far.readable));
  const error = await writes;
  assertInstanceOf(error, Deno.errors.ConnectionReset);
  assertEquals(
    error.message,
    `Connection to memory:anonymous with faults from seed 7: reset by a fault after ${first.write} bytes`,
  );
  assertStrictEquals(await read, error);
  assertInstanceOf(await received, Deno.errors.ConnectionReset);
  await near.close();
});

Deno.test("a half-close ends one direction, and the other goes on", async () => {
  const [near, far] = await troubled({
    seed: 7,
    faults: ["half-close"],
    every: 100,
    onFault,
  });
  const writes = rejection(far.writable.getWriter().write(noise(100_000)));
  const received = await toBytes(near.readable);
  assertEquals(received, noise(100_000).subarray(0, received.length));
  assertInstanceOf(await writes, Deno.errors.BrokenPipe);
  const writer = near.writable.getWriter();
  await writer.write(noise(10));
  await near.close();
  assertEquals(await toBytes(far.readable), noise(10));
});

Deno.test("faulty() shows its seed, also a random seed", () => {
  assertEquals(
    `${faulty(tcp({ port: 1 }), { seed: 42 })}`,
    "tcp://127.0.0.1:1 with faults from seed 42",
  );
  assertMatch(
    `${faulty(memory())}`,
    /^memory:anonymous with faults from seed \d+$/,
  );
});

Deno.test("faulty() refuses invalid options", () => {
  const bad: [FaultPlan, typeof Error, string][] = [
    [{ seed: -1 }, RangeError, "seed is -1"],
    [{ seed: 2 ** 32 }, RangeError, "seed is 4294967296"],
    [{ seed: 0.5 }, RangeError, "seed is 0.5"],
    [{ every: 0 }, RangeError, "every is 0"],
    [{ every: Infinity }, RangeError, "every is Infinity"],
    [{ faults: [] }, RangeError, "faults is empty"],
    [{ faults: ["explode" as Fault] }, TypeError, "faults has explode"],
  ];
  for (const [plan, ErrorClass, message] of bad) {
    assertThrows(() => faulty(memory(), plan), ErrorClass, message);
  }
});

Deno.test("a session under any faults except corruption receives messages in order, and always ends", async () => {
  const kinds: Fault[] = [
    "split",
    "delay",
    "stall",
    "truncate",
    "reset",
    "half-close",
  ];
  const before = injected;
  let received = 0;
  for (let seed = 0; seed < 300; seed++) {
    const transport = memory();
    const listener = await transport.listen();
    const bad = faulty(transport, { seed, faults: kinds, every: 100, onFault });
    const options = { codec: jsonLines<number>, closeTimeout: 1 };
    const client = new Peer<number>(options);
    const server = new Peer<number>(options);
    await Promise.all([server.accept(listener), client.connect(bad)]);
    const sending = (async () => {
      for (let i = 0; i < 200; i++) await client.send(i);
      await client.disconnect();
    })();
    sending.catch(() => {});
    const messages: number[] = [];
    try {
      for await (const message of server) messages.push(message);
    } catch {
      // The fault that ended it.
    }
    assertEquals(messages, [...messages.keys()], `${bad}`);
    received += messages.length;
    await Promise.allSettled([client.disconnect(), server.disconnect()]);
    await sending.catch(() => {});
    assertEquals([client.runstate, server.runstate], ["idle", "idle"]);
    await listener.close();
  }
  console.log(
    `300 sessions under ${
      injected - before
    } faults: ${received} messages received in order`,
  );
});
