import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { deadline } from "@std/async";
import { NatsClient, type NatsOptions } from "../../examples/nats/client.ts";
import {
  NatsError,
  type NatsMessage,
  type ServerMessage,
} from "../../examples/nats/messages.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  ConnectError,
  EventOverflowError,
  type EventQueue,
  lines,
  memoryPair,
  Peer,
  ProtocolError,
  reconnecting,
  StateError,
  tcp,
  type Transport,
} from "../../mod.ts";
import { faulty } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { certificates } from "../support/transports/certificates.ts";
import { freePort } from "../support/servers/free_port.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

const server = needs("nats-server");

const text = ({ payload }: NatsMessage) => new TextDecoder().decode(payload);

/** Starts a server, with more lines of configuration. */
async function startNats(
  { port = freePort(), config = "" }: { port?: number; config?: string } = {},
): Promise<RealServer & { port: number }> {
  const server = await startServer({
    program: "nats-server",
    args: async (folder) => {
      const { server } = await certificates();
      await Deno.writeTextFile(`${folder}/cert.pem`, server.cert);
      await Deno.writeTextFile(`${folder}/key.pem`, server.key);
      await Deno.writeTextFile(
        `${folder}/nats.conf`,
        config.replaceAll("FOLDER", folder),
      );
      return ["-a", "127.0.0.1", "-p", `${port}`, "-c", `${folder}/nats.conf`];
    },
    ready: /Server is ready/,
  }, async (process) => {
    await process.ready();
    return tcp({ port });
  });
  return { ...server, port };
}

async function connected(
  transport: Transport,
  options: NatsOptions = {},
): Promise<NatsClient> {
  const client = new NatsClient(options);
  await client.connect(transport, { signal: AbortSignal.timeout(10_000) });
  return client;
}

/** The next message of a subscription. */
function next(messages: EventQueue<NatsMessage>): Promise<NatsMessage> {
  return messages.next(undefined, { timeout: 10_000 });
}

/** A client that tells when it has received so many messages of a kind. */
class Counting extends NatsClient {
  readonly #waits: { op: string; count: number; done: () => void }[] = [];

  received(op: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waits.push({ op, count, done: resolve });
    return deadline(promise, 10_000);
  }

  protected override onMessage(
    message: ServerMessage,
    bytes: number,
  ): void | Promise<void> {
    for (const wait of this.#waits) {
      if (wait.op === message.op && --wait.count === 0) wait.done();
    }
    return super.onMessage(message, bytes);
  }
}

Deno.test({
  name: "NATS: messages reach subscriptions with wildcards and one of a queue",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    await using client = await connected(nats.transport);
    await using other = await connected(nats.transport);

    const all = client.subscribe("orders.>");
    const members = [1, 2].map(() =>
      client.subscribe("orders.*", { queue: "workers" })
    );
    await client.ping();
    let shared = 0;
    const counting = members.map(async (messages) => {
      for await (const _ of messages) shared++;
    });
    for (let n = 0; n < 100; n++) await other.publish("orders.new", `${n}`);
    await other.ping();
    let n = 0;
    for await (const message of all) {
      assertEquals([message.subject, text(message)], ["orders.new", `${n}`]);
      if (++n === 100) break;
    }
    await client.ping();
    const ended = Promise.allSettled(counting);
    await client.disconnect({ reason: new Error("done") });
    const statuses = (await ended).map(({ status }) => status);
    assertEquals(statuses, ["fulfilled", "fulfilled"]);
    assertEquals(shared, 100);
  },
});

Deno.test({
  name:
    "NATS: requests are answered in any order, or fail at once if nobody answers",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    await using client = await connected(nats.transport);
    await using service = await connected(nats.transport);
    const asked = service.subscribe("double");
    await service.ping();
    const serving = (async () => {
      const first: NatsMessage[] = [];
      for await (const request of asked) {
        if (first.push(request) === 3) break;
      }
      for (const request of first.reverse()) {
        const { reply } = request;
        if (reply) await service.publish(reply, `${2 * Number(text(request))}`);
      }
    })();
    const answers = await Promise.all(
      ["1", "2", "3"].map((n) => client.request("double", n)),
    );
    assertEquals(answers.map(text), ["2", "4", "6"]);
    await serving;

    const error = await rejection(client.request("nobody", ""));
    assertInstanceOf(error, NatsError);
    assertMatch(error.message, /no responders/);
  },
});

Deno.test({
  name:
    "NATS: a large payload arrives whole, and one over the limit is refused here",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    await using client = await connected(nats.transport);
    const messages = client.subscribe("large");
    const payload = crypto.getRandomValues(new Uint8Array(65_536));
    await client.publish("large", payload);
    assertEquals((await next(messages)).payload, payload);
    await assertRejects(
      () => client.publish("large", new Uint8Array(2 ** 20 + 1)),
      RangeError,
      "payload has 1048577 bytes, the server takes 1048576",
    );
    await assertRejects(
      () => client.publish("a 5\r\nPING", "x"),
      TypeError,
      "expected characters without spaces",
    );
    await client.ping();
  },
});

Deno.test({
  name: "NATS: each side answers the other's pings",
  ...server,
  fn: async () => {
    const config = 'ping_interval: "50ms"\nping_max: 20\n';
    await using nats = await startNats({ config });
    await using quiet = new Counting();
    await using active = new Counting({ keepAliveInterval: 20 });
    await quiet.connect(nats.transport);
    await active.connect(nats.transport);
    // A server that gets no PONG for 20 PINGs ends the session.
    await Promise.all([quiet.received("PING", 25), active.received("PONG", 5)]);
    assertEquals([quiet.runstate, active.runstate], ["running", "running"]);
  },
});

Deno.test({
  name: "NATS: a server that answers no pings is left",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    const client = new NatsClient({ keepAliveInterval: 20, timeout: 50 });
    await client.connect(nats.transport);
    nats.process.kill("SIGSTOP");
    const error = await rejection(client.closed);
    assertInstanceOf(error, CallTimeoutError);
    assertEquals([error.method, error.sent], ["PING", true]);
    assertEquals(await rejection(client.disconnect()), error);
  },
});

const TLS =
  'tls { cert_file: "FOLDER/cert.pem", key_file: "FOLDER/key.pem" }\n';

Deno.test({
  name:
    "NATS: TLS begins after INFO if either side requires it, with a verified certificate",
  ...server,
  fn: async () => {
    const { ca } = await certificates();
    const tls = { caCerts: [ca] };
    await using nats = await startNats({ config: TLS });
    await using client = await connected(nats.transport, { tls });
    const messages = client.subscribe("secret");
    await client.publish("secret", "whisper");
    assertEquals(text(await next(messages)), "whisper");

    // The server requires TLS, and its certificate is not trusted.
    const error = await rejection(connected(nats.transport));
    assertInstanceOf(error, ConnectError);
    assertMatch(`${error.cause}`, /certificate/i);

    await using plain = await startNats();
    const refusal = await rejection(connected(plain.transport, { tls }));
    assertInstanceOf(refusal, ConnectError);
    assertInstanceOf(refusal.cause, ProtocolError);
    assertMatch(refusal.cause.message, /Server has no TLS/);
  },
});

const PASSWORDS = `authorization { users: [
  { user: ann, password: secret, permissions: {
    subscribe: ["open.>", "_INBOX.>"], publish: ["open.>", "_INBOX.>"] } }
  { user: bob, password: secret, permissions: { subscribe: ["open.>"] } }
] }\n`;

Deno.test({
  name:
    "NATS: a wrong password is not tried again, a refused subscription ends alone",
  ...server,
  fn: async () => {
    await using nats = await startNats({ config: PASSWORDS });
    const wrong = new NatsClient({
      credentials: { user: "ann", pass: "guessed" },
    });
    const connection = reconnecting(wrong, nats.transport);
    const error = await rejection(connection.closed);
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, NatsError);
    assertMatch(error.cause.message, /Authorization Violation/);

    const credentials = { user: "ann", pass: "secret" };
    await using client = await connected(nats.transport, { credentials });
    const [closed, open] = ["closed.door", "open.door"].map((subject) =>
      client.subscribe(subject)
    );
    assert(closed && open);
    const refusal = await rejection(next(closed));
    assertInstanceOf(refusal, NatsError);
    assertMatch(refusal.message, /Permissions Violation for Subscription/);
    await client.publish("open.door", "come in");
    assertEquals(text(await next(open)), "come in");
  },
});

Deno.test({
  name: "NATS: a refused message is told by ping(), and the session goes on",
  ...server,
  fn: async () => {
    await using nats = await startNats({ config: PASSWORDS });
    const credentials = { user: "ann", pass: "secret" };
    await using client = await connected(nats.transport, {
      ...{ credentials, keepAliveInterval: 10 },
    });
    const open = client.subscribe("open.door");
    // The reply's subject is what another client has asked for.
    for (const reply of ["closed.door", "open..door"]) {
      await client.publish(reply, "sum");
      const refusal = await rejection(client.ping());
      assertInstanceOf(refusal, NatsError);
      assertMatch(refusal.message, /for Publish to|Invalid Publish Subject/);
      await client.ping();
    }
    await client.publish("open.door", "come in");
    assertEquals(text(await next(open)), "come in");
  },
});

Deno.test({
  name: "NATS: a request says that answers may not come to this client",
  ...server,
  fn: async () => {
    await using nats = await startNats({ config: PASSWORDS });
    const credentials = { user: "bob", pass: "secret" };
    await using client = await connected(nats.transport, { credentials });
    await client.ping();
    await assertRejects(
      () => client.request("open.door", "knock"),
      NatsError,
      "Permissions Violation for Subscription",
    );
  },
});

Deno.test("NATS: a server may leave out how much it takes", async () => {
  const [near, far] = memoryPair();
  const codec = () => lines({ newline: "\r\n" });
  await using server = new Peer<string>({ codec });
  await using client = new NatsClient();
  const connecting = Promise.all([client.connect(near), server.connect(far)]);
  while (server.runstate !== "running") await server.runstateChanged();
  await server.send("INFO {}");
  while (await server.receive() !== "PING");
  await server.send("PONG");
  await connecting;
  await client.publish("news", "all of it");
  assertEquals(await server.receive(), "PUB news 9");
  assertEquals(await server.receive(), "all of it");
});

Deno.test({
  name: "NATS: a session with splits and delays",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    const plan = { seed: 15, faults: ["split", "delay"], every: 20 } as const;
    await using client = await connected(faulty(nats.transport, plan));
    const echoed = client.subscribe("echo");
    for (let n = 0; n < 30; n++) {
      const sent = "x\r\n".repeat(n);
      await client.publish("echo", sent);
      assertEquals(text(await next(echoed)), sent);
    }
  },
});

Deno.test({
  name:
    "NATS: killed in the middle of a request; the next server has the subscriptions again",
  ...server,
  fn: async () => {
    const first = await startNats();
    await using _first = first;
    const client = new NatsClient();
    await using connection = reconnecting(client, first.transport, {
      initialDelay: 10,
      maxDelay: 50,
    });
    await connection.connected();
    const news = client.subscribe("news");
    const asked = client.subscribe("question");
    const left = client.subscribe("left");
    left.close();
    const pending = rejection(client.request("question", "?"));
    await next(asked); // and is not answered
    const lost = client.runstateChanged();
    first.process.kill("SIGKILL");
    const error = await pending;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["question", true]);
    await lost;
    await assertRejects(() => client.publish("news", "lost"), StateError);

    await using _second = await startNats({ port: first.port });
    await connection.connected({ signal: AbortSignal.timeout(10_000) });
    await client.publish("news", "back again");
    assertEquals(text(await next(news)), "back again");

    await connection[Symbol.asyncDispose]();
    await assertRejects(() => next(news));
  },
});

Deno.test({
  name:
    "NATS: a consumer that falls behind loses its subscription, and no other",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    await using client = await connected(nats.transport);
    const slow = client.subscribe("flood");
    const other = client.subscribe("other");
    const payload = new Uint8Array(2 ** 20);
    for (let n = 0; n < 10; n++) await client.publish("flood", payload);
    await client.publish("other", "still here");
    assertEquals(text(await next(other)), "still here");
    const error = await rejection(next(slow));
    assertInstanceOf(error, EventOverflowError);
  },
});

Deno.test({
  name: "examples/nats/main.ts runs",
  ...server,
  fn: async () => {
    await using nats = await startNats();
    const { code, stdout, stderr } = await runDeno([
      ...["run", "--no-prompt", "--allow-net", "examples/nats/main.ts"],
      `${nats.transport}`,
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(
      stdout,
      `Connected to ${nats.transport}\n1 + 2 + 39 = 42\n`,
    );
  },
});
