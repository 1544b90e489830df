import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { ConnectError } from "../../protocol/mod.ts";
import { GreetingError, NegotiationError, QMPClient } from "../../qmp/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import {
  assertNextIsServed,
  event,
  greeting,
  runningClient,
  Script,
} from "../support/qmp/qmp_script.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("events may come before the greeting and before the reply to qmp_capabilities", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const listener = client.listen();
  const server = await Script.over(far);
  const connecting = client.connect(near);
  server.send(event("EARLY"), greeting(), event("LATER"));
  server.answer(await server.command());
  await connecting;
  assertEquals((await listener.next()).event, "EARLY");
  assertEquals((await client.events.next()).event, "EARLY");
  assertEquals((await listener.next()).event, "LATER");
  await client.disconnect();
  await server.end();
});

Deno.test("two greetings before the negotiation are answered once", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const server = await Script.over(far);
  const connecting = client.connect(near);
  server.send(greeting(), greeting());
  const request = await server.command();
  assertEquals(request.execute, "qmp_capabilities");
  server.answer(request);
  await connecting;
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("a second greeting in a running session repeats the negotiation", async () => {
  const { client, server } = await runningClient();
  server.send(greeting(["oob"]));
  const request = await server.command();
  assertEquals(request.execute, "qmp_capabilities");
  assertEquals(request.arguments, { enable: ["oob"] });
  server.answer(request);
  const call = client.execute("stop");
  server.answer(await server.command(), 1);
  assertEquals(await call, 1);
  assertEquals(client.greeting?.QMP.capabilities, ["oob"]);
  await client.disconnect();
  await server.end();
});

Deno.test("a server that greets 4 times in one session is negotiated with 4 times", async () => {
  const { client, server } = await runningClient();
  for (let again = 0; again < 3; again++) await server.shakeHands();
  const call = client.execute("stop");
  server.answer(await server.command(), 1);
  assertEquals(await call, 1);
  await client.disconnect();
  await server.end();
});

for (const negotiate of [true, false]) {
  Deno.test(`a session ends after 8 greetings, with negotiate ${negotiate}`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient({ negotiate });
    const server = await Script.over(far);
    server.send(...Array(1000).fill([greeting(), { return: {} }]).flat());
    await client.connect(near);
    const error = await rejection(client.closed);
    assertInstanceOf(error, GreetingError);
    assertEquals(
      error.message,
      "Cannot accept a greeting: server has sent 9 in one session, " +
        "expected at most 8",
    );
    assertEquals(client.stats.messagesSent, negotiate ? 8 : 0);
    await assertRejects(() => client.disconnect(), GreetingError);
    await server.end();
  });
}

Deno.test("the refusal of a repeated negotiation ends the session", async () => {
  const { client, server } = await runningClient();
  server.send(greeting());
  server.refuse(await server.command(), "GenericError", "No");
  await assertRejects(() => client.closed, NegotiationError);
  await assertRejects(() => client.disconnect(), NegotiationError);
  await server.end();
});

Deno.test("a server that does not repeat the id of qmp_capabilities is understood", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const server = await Script.over(far);
  const connecting = client.connect(near);
  server.send(greeting());
  await server.command();
  server.send({ return: {} });
  await connecting;
  await client.disconnect();
  await server.end();
});

Deno.test("without awaitGreeting and negotiate, a session runs at once", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient({ awaitGreeting: false, negotiate: false });
  const server = await Script.over(far);
  await client.connect(near);
  assertEquals(client.greeting, undefined);
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("without negotiate, the greeting is awaited and nothing is sent", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient({ negotiate: false });
  const server = await Script.over(far);
  server.send(greeting());
  await client.connect(near);
  assertEquals(client.greeting?.QMP.capabilities, []);
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("the greeting is forgotten at the next connect()", async () => {
  const { client, server } = await runningClient();
  await client.disconnect();
  await server.end();
  assert(client.greeting);
  await assertRejects(() => client.connect(memory()), ConnectError);
  assertEquals(client.greeting, undefined);
});

/** The ways in which a handshake fails: the server's action, and the error. */
const handshakes: [
  string,
  (server: Script) => Promise<void> | void,
  typeof GreetingError | typeof NegotiationError,
  string,
][] = [
  [
    "sends another message first",
    (server) => server.send({ return: {} }),
    GreetingError,
    'Expected a greeting, received: {"return":{}}',
  ],
  [
    "greets without a version",
    (server) => server.send({ QMP: { capabilities: [] } }),
    GreetingError,
    'Greeting is malformed: {"QMP":{"capabilities":[]}}',
  ],
  [
    "ends before it greets",
    (server) => server.end(),
    GreetingError,
    "Cannot get greeting from the server: Peer ended the stream",
  ],
  [
    "refuses to negotiate",
    async (server) => {
      server.send(greeting());
      server.refuse(await server.command(), "GenericError", "No");
    },
    NegotiationError,
    "Cannot negotiate: Cannot execute qmp_capabilities: No (GenericError)",
  ],
  [
    "refuses to negotiate without an id",
    async (server) => {
      server.send(greeting());
      await server.command();
      server.send({ error: { class: "GenericError", desc: "No" } });
    },
    NegotiationError,
    "Cannot negotiate: Cannot execute qmp_capabilities: No (GenericError)",
  ],
  [
    "answers the negotiation with neither result nor error",
    async (server) => {
      server.send(greeting());
      const { id } = await server.command();
      server.send({ id });
    },
    NegotiationError,
    "Cannot negotiate: Reply has neither a result nor an error",
  ],
  [
    "ends within the negotiation",
    async (server) => {
      server.send(greeting());
      await server.command();
      await server.end();
    },
    NegotiationError,
    "Cannot get reply to qmp_capabilities from the server: Peer ended the stream",
  ],
];

for (const [what, play, Failure, message] of handshakes) {
  Deno.test(`connect() rejects when the server ${what}`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient();
    const states = recordRunstates(client);
    const server = await Script.over(far);
    const connecting = rejection(client.connect(near));
    await play(server);
    const error = await connecting;
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, Failure);
    assertStringIncludes(
      error.message,
      `Failed to establish session: ${message}`,
    );
    assertEquals(await states.stop(), ["connecting", "disconnecting", "idle"]);
    await server.end();
  });
}

for (
  const [phase, play, Failure] of [
    ["greeting", () => {}, GreetingError],
    [
      "reply to qmp_capabilities",
      (server: Script) => server.send(greeting(), event("NOISE")),
      NegotiationError,
    ],
  ] as const
) {
  Deno.test(`without a ${phase}, connect() fails in time and names the phase`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient({ handshakeTimeout: 20 });
    const server = await Script.over(far);
    play(server);
    const error = await rejection(client.connect(near));
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, Failure);
    assertStringIncludes(
      error.message,
      `Cannot get ${phase} from the server: nothing came for 20 ms`,
    );
    assertInstanceOf(error.cause.cause, DOMException);
    assertEquals(error.cause.cause.name, "TimeoutError");
    assertEquals(client.runstate, "idle");
    await server.end();
  });
}

Deno.test("an abort in the handshake rejects with its reason", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const signal = new WatchedSignal();
  const reason = new Error("Enough");
  const connecting = rejection(client.connect(near, { signal: signal.signal }));
  await turns();
  signal.abort(reason);
  assertStrictEquals(await connecting, reason);
  assertEquals(signal.listeners, 0);
  assertEquals(client.runstate, "idle");
  far.abort();
});
