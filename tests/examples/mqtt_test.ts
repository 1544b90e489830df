import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import {
  MqttClient,
  MqttError,
  type MqttOptions,
} from "../../examples/mqtt/client.ts";
import type { MqttMessage, QoS } from "../../examples/mqtt/codec.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  ConnectError,
  type EventQueue,
  memoryPair,
  reconnecting,
  StateError,
  type Transport,
  unix,
} from "../../mod.ts";
import { faulty, scriptedPeer, type ScriptStep } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { runDeno } from "../support/program.ts";
import { logged } from "../support/protocol/logged.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

const server = needs("mosquitto");

const text = ({ payload }: MqttMessage) => new TextDecoder().decode(payload);

const bytes = (value: string) => new TextEncoder().encode(value);

/** Starts a server at a Unix socket, with more lines of configuration. */
function startMosquitto(
  { path, config = "" }: { path?: string; config?: string } = {},
): Promise<RealServer> {
  const socketIn = (folder: string) => path ?? `${folder}/mqtt`;
  return startServer({
    program: "mosquitto",
    args: async (folder) => {
      // Started as root, it becomes a user of its own, and must bind there.
      await Deno.chmod(folder, 0o777);
      const lines = [
        `listener 0 ${socketIn(folder)}`,
        "allow_anonymous true",
        config,
      ];
      await Deno.writeTextFile(`${folder}/conf`, lines.join("\n"));
      return ["-v", "-c", `${folder}/conf`];
    },
    ready: /mosquitto version \S+ running/,
  }, async (process) => {
    await process.ready();
    return unix({ path: socketIn(process.folder) });
  });
}

async function connected(
  transport: Transport,
  options: MqttOptions = {},
): Promise<MqttClient> {
  const client = new MqttClient(options);
  await client.connect(transport, { signal: AbortSignal.timeout(10_000) });
  return client;
}

/** The next message of a subscription. */
function next(messages: EventQueue<MqttMessage>): Promise<MqttMessage> {
  return messages.next(undefined, { timeout: 10_000 });
}

Deno.test({
  name: "MQTT: messages of each QoS arrive in order, acknowledged both ways",
  ...server,
  fn: async () => {
    const mosquitto = await startMosquitto();
    {
      await using _mosquitto = mosquitto;
      await using client = await connected(mosquitto.transport);
      await using other = await connected(mosquitto.transport);
      // Mosquitto 2.0.11 keeps what is beyond 20 messages of QoS 2 in flight.
      for (const qos of [0, 1, 2] as QoS[]) {
        const filter = `orders/${qos}/+`;
        const messages = await client.subscribe(filter, { qos });
        const sent = Array.from(
          { length: 20 },
          (_, n) => other.publish(`orders/${qos}/new`, `${n}`, { qos }),
        );
        await Promise.all(sent);
        let n = 0;
        for await (const message of messages) {
          const { topic, retain } = message;
          assertEquals([topic, retain, message.qos], [
            `orders/${qos}/new`,
            false,
            qos,
          ]);
          assertEquals(text(message), `${n}`);
          if (++n === 20) break;
        }
      }
      // Once these are acknowledged, all before them are, too.
      for (let n = 0; n < 2; n++) await client.publish("done", "", { qos: 1 });
    }
    // The server logs what it got: each message of QoS 2 was released and done.
    const { log } = mosquitto.process;
    const count = (pattern: RegExp) => log.match(pattern)?.length;
    assertEquals(count(/Received PUBACK from/g), 20);
    assertEquals(count(/Received PUBREC from/g), 20);
    assertEquals(count(/Received PUBREL from/g), 20);
    assertEquals(count(/Received PUBCOMP from/g), 20);
  },
});

Deno.test({
  name: "MQTT: retained messages come first, and large ones arrive whole",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    await using client = await connected(mosquitto.transport);
    const payload = Uint8Array.from({ length: 500_000 }, (_, i) => i * 7);
    await client.publish("large", payload, { qos: 1, retain: true });
    const messages = await client.subscribe("#", { qos: 2 });
    const message = await next(messages);
    assertEquals(message.payload, payload);
    assertEquals([message.qos, message.retain], [1, true]);
    await assertRejects(
      () => client.publish("a/+", "x"),
      TypeError,
      'Cannot use topic: it is "a/+"',
    );
  },
});

Deno.test({
  name: "MQTT: clients that share a subscription share out its messages",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    await using first = await connected(mosquitto.transport);
    await using second = await connected(mosquitto.transport);
    const filter = "$share/workers/orders/+";
    const shares = await Promise.all(
      [first, second].map((client) => client.subscribe(filter, { qos: 1 })),
    );
    for (const payload of ["a", "b"]) {
      await first.publish("orders/new", payload, { qos: 1 });
    }
    const received = await Promise.all(shares.map(next));
    assertEquals(received.map(text).toSorted(), ["a", "b"]);
  },
});

Deno.test({
  name:
    "MQTT: the will is published if the client vanishes, not if it says goodbye",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    const { transport } = mosquitto;
    await using witness = await connected(transport);
    const wills = await witness.subscribe("wills/+", { qos: 2 });
    const will = (name: string) => ({
      topic: `wills/${name}`,
      payload: bytes(`${name} has gone`),
      qos: 2 as const,
      retain: false,
    });
    await using polite = await connected(transport, { will: will("polite") });
    await polite.disconnect();

    const connection = await transport.connect();
    const vanishing = new MqttClient({ will: will("vanishing") });
    await vanishing.connect(connection);
    connection.abort(new Error("the cable was cut"));
    await vanishing.disconnect().catch(() => {});
    const message = await next(wills);
    assertEquals(
      [message.topic, text(message), message.qos],
      ["wills/vanishing", "vanishing has gone", 2],
    );
  },
});

/** Counts its pings. */
class Counting extends MqttClient {
  pings = 0;

  protected override async keepAlive(): Promise<void> {
    await super.keepAlive();
    this.pings++;
  }
}

Deno.test({
  name: "MQTT: a client that only listens pings, however much it hears",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    await using talker = await connected(mosquitto.transport);
    await using client = new Counting({ keepAlive: 1 });
    await client.connect(mosquitto.transport);
    using ticks = await client.subscribe("ticks");
    for (let n = 0; client.pings < 3; n++) {
      await talker.publish("ticks", `${n}`);
      assertEquals(text(await next(ticks)), `${n}`);
      assertEquals(client.runstate, "running");
    }
  },
});

Deno.test({
  name: "MQTT: a server that answers no pings is left",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    const client = new MqttClient({ keepAlive: 1, timeout: 50 });
    await client.connect(mosquitto.transport);
    mosquitto.process.kill("SIGSTOP");
    const error = await rejection(client.closed);
    assertInstanceOf(error, CallTimeoutError);
    assertEquals([error.method, error.sent], ["PINGREQ", true]);
    assertEquals(await rejection(client.disconnect()), error);
  },
});

Deno.test({
  name: "MQTT: a refused client is told why and does not try again",
  ...server,
  fn: async () => {
    const config = "allow_anonymous false";
    await using mosquitto = await startMosquitto({ config });
    const client = new MqttClient({ username: "ann", password: "guessed" });
    const connection = reconnecting(client, mosquitto.transport);
    const error = await rejection(connection.closed);
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, MqttError);
    assertMatch(error.cause.message, /refused the session: not authorized/);
  },
});

/** A client connects, and the server accepts it. */
const CONNECT: ScriptStep[] = [
  {
    expect: Uint8Array.of(
      ...[0x10, 12, 0, 4, ...bytes("MQTT"), 4, 2, 0, 60, 0, 0],
    ),
  },
  { send: Uint8Array.of(0x20, 2, 0, 0) },
];

Deno.test("MQTT: options that cannot be encoded are the cause, at once", async () => {
  for (const keepAlive of [0.5, -1, 65_536]) {
    const [near, far] = memoryPair();
    const limits = { keepAliveInterval: 10_000, handshakeTimeout: 10_000 };
    const client = new MqttClient({ keepAlive, ...limits });
    const error = await rejection(client.connect(near));
    far.abort();
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, RangeError);
  }
});

Deno.test("MQTT: a password is not logged", async () => {
  await using peer = scriptedPeer([
    {
      expect: Uint8Array.of(
        ...[0x10, 21, 0, 4, ...bytes("MQTT"), 4, 0x42, 0, 60, 0, 0],
        ...[0, 7, ...bytes("guessed")],
      ),
    },
    { send: Uint8Array.of(0x20, 2, 0, 0) },
    { expect: Uint8Array.of(0xe0, 0) },
    "expect end",
  ]);
  await using client = new MqttClient({ password: "guessed" });
  const records = await logged("debug", () => client.connect(peer.connection));
  await client.disconnect();
  const log = Deno.inspect(records, { depth: 9 });
  assertMatch(log, /type: "connect"/);
  assert(!log.includes("guessed"), log);
});

Deno.test("MQTT: a message of QoS 2 that is sent again is delivered once", async () => {
  const again = [0x3c, 6, 0, 1, 0x61, 0, 9, 0x21];
  await using peer = scriptedPeer([
    ...CONNECT,
    { expect: Uint8Array.of(0x82, 6, 0, 1, 0, 1, 0x61, 2) },
    { send: Uint8Array.of(0x90, 3, 0, 1, 2) },
    { send: Uint8Array.of(...again, ...again) },
    { expect: Uint8Array.of(0x50, 2, 0, 9, 0x50, 2, 0, 9) },
    { send: Uint8Array.of(0x62, 2, 0, 9) },
    { expect: Uint8Array.of(0x70, 2, 0, 9) },
    { send: Uint8Array.of(...again) },
    { expect: Uint8Array.of(0x50, 2, 0, 9) },
    { expect: Uint8Array.of(0xe0, 0) },
    "expect end",
  ]);
  await using client = new MqttClient();
  await client.connect(peer.connection);
  const messages = await client.subscribe("a", { qos: 2 });
  assertEquals(text(await next(messages)), "!");
  assertEquals(text(await next(messages)), "!");
  await client.disconnect();
  await peer.done;
  await assertRejects(() => next(messages));
});

Deno.test("MQTT: a subscription that the server refuses rejects", async () => {
  await using peer = scriptedPeer([
    ...CONNECT,
    { expect: Uint8Array.of(0x82, 6, 0, 1, 0, 1, 0x61, 0) },
    { send: Uint8Array.of(0x90, 3, 0, 1, 0x80) },
    { expect: Uint8Array.of(0xa2, 5, 0, 2, 0, 1, 0x61) },
    { expect: Uint8Array.of(0xe0, 0) },
    "expect end",
  ]);
  await using client = new MqttClient();
  await client.connect(peer.connection);
  await assertRejects(() => client.subscribe("a"), MqttError, "has refused it");
  await client.disconnect();
  await peer.done;
});

Deno.test("MQTT: a filter is left with the last of its subscriptions", async () => {
  await using peer = scriptedPeer([
    ...CONNECT,
    { expect: Uint8Array.of(0x82, 6, 0, 1, 0, 1, 0x61, 0) },
    { send: Uint8Array.of(0x90, 3, 0, 1, 0) },
    { expect: Uint8Array.of(0x82, 6, 0, 2, 0, 1, 0x61, 0) },
    { send: Uint8Array.of(0x90, 3, 0, 2, 0, 0x30, 4, 0, 1, 0x61, 0x21) },
    { expect: Uint8Array.of(0xa2, 5, 0, 3, 0, 1, 0x61) },
    { expect: Uint8Array.of(0xe0, 0) },
    "expect end",
  ]);
  await using client = new MqttClient();
  await client.connect(peer.connection);
  const first = await client.subscribe("a");
  using second = await client.subscribe("a");
  first.close();
  assertEquals(text(await next(second)), "!");
  second.close();
  await client.disconnect();
  await peer.done;
});

Deno.test("MQTT: a filter has the highest QoS of its subscriptions", async () => {
  await using peer = scriptedPeer([
    ...CONNECT,
    { expect: Uint8Array.of(0x82, 6, 0, 1, 0, 1, 0x61, 2) },
    { send: Uint8Array.of(0x90, 3, 0, 1, 2) },
    { expect: Uint8Array.of(0x82, 6, 0, 2, 0, 1, 0x61, 2) },
    { send: Uint8Array.of(0x90, 3, 0, 2, 2) },
    { expect: Uint8Array.of(0xe0, 0) },
    "expect end",
  ]);
  await using client = new MqttClient();
  await client.connect(peer.connection);
  await client.subscribe("a", { qos: 2 });
  await client.subscribe("a", { qos: 0 });
  await client.disconnect();
  await peer.done;
});

Deno.test({
  name: "MQTT: a session with splits and delays",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    const plan = { seed: 10, faults: ["split", "delay"], every: 20 } as const;
    await using client = await connected(faulty(mosquitto.transport, plan));
    const echoed = await client.subscribe("echo", { qos: 2 });
    for (let n = 0; n < 15; n++) {
      await client.publish("echo", "x".repeat(10 * n), { qos: 2 });
      assertEquals(text(await next(echoed)), "x".repeat(10 * n));
    }
  },
});

Deno.test({
  name:
    "MQTT: killed in the middle of a publication; the next server has the subscriptions again",
  ...server,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    await using _folder = {
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
    await Deno.chmod(folder, 0o777);
    const path = `${folder}/mqtt`;
    await using first = await startMosquitto({ path });
    const client = new MqttClient();
    await using connection = reconnecting(client, first.transport, {
      initialDelay: 10,
      maxDelay: 50,
    });
    await connection.connected();
    const news = await client.subscribe("news", { qos: 1 });
    first.process.kill("SIGSTOP"); // it acknowledges nothing any more
    const pending = rejection(client.publish("news", "lost", { qos: 2 }));
    const lost = client.runstateChanged();
    first.process.kill("SIGKILL");
    const error = await pending;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["PUBLISH news", true]);
    await lost;
    await assertRejects(() => client.publish("news", "lost"), StateError);

    await using _second = await startMosquitto({ path });
    await connection.connected({ signal: AbortSignal.timeout(10_000) });
    await client.publish("news", "back again", { qos: 1 });
    assertEquals(text(await next(news)), "back again");

    await connection[Symbol.asyncDispose]();
    await assertRejects(() => next(news));
  },
});

Deno.test({
  name: "examples/mqtt/main.ts runs",
  ...server,
  fn: async () => {
    await using mosquitto = await startMosquitto();
    const { code, stdout, stderr } = await runDeno([
      ...["run", "--no-prompt", "--allow-read", "--allow-write"],
      ...["--allow-net", "examples/mqtt/main.ts", `${mosquitto.transport}`],
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "house/kitchen/temperature: 21.5\n");
  },
});
