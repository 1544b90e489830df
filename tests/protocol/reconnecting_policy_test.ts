import {
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  ConnectError,
  lines,
  Peer,
  reconnecting,
  type ReconnectPolicy,
  type Transport,
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { atOnce, serveLines } from "../support/protocol/reconnected.ts";
import { failing } from "../support/transports/failing_transport.ts";
import { FixedRandom } from "../support/fixed_random.ts";

Deno.test("an error that is not retriable ends the reconnection, wherever it comes from", async () => {
  const wrongPassword = new Error("wrong password");
  const isRetriable = (error: unknown) => error !== wrongPassword;

  const to = failing(new Error("refused"), new Error("refused"), wrongPassword);
  const connecting = reconnecting(new Peer({ codec: lines }), to, {
    ...atOnce,
    isRetriable,
  });
  const error = await rejection(connecting.closed);
  assertInstanceOf(error, ConnectError);
  assertStrictEquals(error.cause, wrongPassword);
  assertEquals(to.attempts, 3);
  assertStrictEquals(await rejection(connecting.connected()), error);

  const transport = memory();
  await using _server = await serveLines(transport);
  const preparing = reconnecting(new Peer({ codec: lines }), transport, {
    isRetriable,
    onConnect: () => Promise.reject(wrongPassword),
  });
  assertStrictEquals(await rejection(preparing.closed), wrongPassword);

  class Refused extends Peer<string> {
    protected override onMessage(): void {
      throw wrongPassword;
    }
  }
  const other = memory();
  await using asking = await serveLines(other);
  const running = reconnecting(new Refused({ codec: lines }), other, {
    isRetriable,
  });
  await running.connected();
  for (const session of asking.sessions) await session.send("no");
  assertStrictEquals(await rejection(running.closed), wrongPassword);
});

Deno.test("isRetriable() of a policy is asked about a ConnectError that has no cause", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const withoutCause = new ConnectError("no second connection");
  const asked: unknown[] = [];
  const connection = reconnecting(new Peer({ codec: lines }), transport, {
    onConnect: () => Promise.reject(withoutCause),
    isRetriable: (error) => asked.push(error) > 1,
  });
  assertStrictEquals(await rejection(connection.closed), withoutCause);
  assertEquals(asked, [withoutCause]);
});

Deno.test("reconnecting() gives up after maxAttempts failed attempts in a row", async () => {
  const to = failing(new Error("refused"));
  const connection = reconnecting(new Peer({ codec: lines }), to, {
    ...atOnce,
    maxAttempts: 4,
  });
  assertInstanceOf(await rejection(connection.closed), ConnectError);
  assertEquals(to.attempts, 4);
});

Deno.test("a missing permission and a closed listener are not retried", async () => {
  const denied = failing(new Deno.errors.NotCapable("no net access"));
  await rejection(reconnecting(new Peer({ codec: lines }), denied).closed);
  assertEquals(denied.attempts, 1);
  const listener = await memory().listen();
  await listener.close();
  await rejection(reconnecting(new Peer({ codec: lines }), listener).closed);
});

/** The bounds of the pauses if the server ends each session after a while. */
async function pauses(count: number, lifetime: number): Promise<number[]> {
  using time = new VirtualTime();
  // The longest pause that the bound allows.
  using _random = new FixedRandom(0);
  const found: number[] = [];
  const client = new Peer({ codec: lines });
  let server = new Peer({ codec: lines });
  const connection = reconnecting(client, {
    connect: async () => {
      const [near, far] = memoryPair();
      server = new Peer({ codec: lines });
      await server.connect(far);
      return near;
    },
    listen: () => memory().listen(),
  }, { initialDelay: 100, maxDelay: 1_000 });
  while (found.length < count) {
    await connection.connected();
    time.pass(lifetime);
    await server.disconnect();
    for (let n = 0; n < 10; n++) await turns();
    let pause = 0;
    for (; client.runstate !== "running"; pause += 50) {
      time.pass(50);
      for (let n = 0; n < 5; n++) await turns();
    }
    found.push(pause);
  }
  await connection[Symbol.asyncDispose]();
  return found;
}

Deno.test("pauses grow while sessions end soon, and are short again after a longer session", async () => {
  assertEquals(await pauses(6, 1_000), [100, 200, 400, 800, 1_000, 1_000]);
  assertEquals(await pauses(3, 10_000), [100, 100, 100]);
});

Deno.test("an invalid policy is refused, naming option and value", () => {
  const to = memory();
  const reconnect = (policy: object, transport: Transport = to) =>
    reconnecting(
      new Peer({ codec: lines }),
      transport,
      policy as ReconnectPolicy,
    );
  for (
    const [option, value] of [
      ["initialDelay", -1],
      ["initialDelay", 30_001],
      ["initialDelay", NaN],
      ["maxDelay", 0],
      ["maxDelay", Infinity],
      ["maxAttempts", 0],
    ] as const
  ) {
    assertThrows(
      () => reconnect({ [option]: value }),
      RangeError,
      `${option} is ${value}: it must be a number from`,
    );
  }
  for (const option of ["onConnect", "isRetriable"]) {
    assertThrows(() => reconnect({ [option]: 1 }), TypeError, `${option} is 1`);
  }
  assertThrows(
    () => reconnect({}, {} as Transport),
    TypeError,
    "to is [object Object]: it must be a Transport or a Listener",
  );
});
