import { configure, reset } from "@logtape/logtape";
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  ConnectError,
  DecodeError,
  EndOfStreamError,
  MessageTooLargeError,
  ProtocolError,
  StateError,
} from "../protocol/mod.ts";
import {
  BadReplyError,
  ExecInterruptedError,
  ExecuteError,
  GreetingError,
  NegotiationError,
  QMPClient,
  ServerParseError,
} from "../qmp/mod.ts";
import { memory, memoryPair } from "../transports/mod.ts";
import {
  event,
  greeting,
  type Message,
  runningClient,
  Script,
} from "./_qmp.ts";
import { recordRunstates } from "./_session.ts";
import { turns } from "./_turns.ts";
import { WatchedSignal } from "../testing/_watched_signal.ts";

/** What a promise rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject");
}

Deno.test("a session greets, negotiates, executes and ends", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient({ name: "vm" });
  const states = recordRunstates(client);
  const server = await Script.over(far);
  const [, request] = await Promise.all([
    client.connect(near),
    server.shakeHands(),
  ]);
  assertEquals(request.execute, "qmp_capabilities");
  assertFalse("arguments" in request);
  assertEquals(client.greeting?.QMP.version.qemu.major, 7);

  const status = client.execute("query-status");
  const command = await server.command();
  assertEquals(command.execute, "query-status");
  assertFalse("arguments" in command);
  server.answer(command, { running: true });
  assertEquals(await status, { running: true });

  await client.disconnect();
  await server.end();
  assertEquals(await states.stop(), [
    "connecting",
    "running",
    "disconnecting",
    "idle",
  ]);
});

Deno.test("fact 1: a command is sent as JSON with nothing behind it", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient({ awaitGreeting: false, negotiate: false });
  await client.connect(near);
  const bytes = new Response(far.readable).text();
  client.executeMessage({ execute: "quit", id: "q" }).catch(() => {});
  client.executeMessage({ execute: "stop", arguments: {}, id: "s" })
    .catch(() => {});
  await client.disconnect();
  assertEquals(
    await bytes,
    '{"execute":"quit","id":"q"}{"execute":"stop","arguments":{},"id":"s"}',
  );
  await far.close();
});

Deno.test("fact 2: over TLS a newline follows each command in a write of its own", async () => {
  const [near, far] = memoryPair();
  const writes: string[] = [];
  const client = new QMPClient({ awaitGreeting: false, negotiate: false });
  await client.connect({
    readable: near.readable,
    writable: new WritableStream({
      write: (chunk) => void writes.push(new TextDecoder().decode(chunk)),
    }),
    localAddress: near.localAddress,
    remoteAddress: { transport: "tls", hostname: "localhost", port: 4444 },
    close: () => near.close(),
    abort: (reason) => near.abort(reason),
    [Symbol.asyncDispose]: () => near.close(),
  });
  client.executeMessage({ execute: "stop", id: 1 }).catch(() => {});
  client.executeMessage({ execute: "cont", id: 2 }).catch(() => {});
  await client.disconnect();
  await far.close();
  assertEquals(writes, [
    '{"execute":"stop","id":1}',
    '\n{"execute":"cont","id":2}',
    "\n",
  ]);
});

Deno.test("replies are routed by id, in whatever order they come", async () => {
  const { client, server } = await runningClient();
  const calls = ["a", "b", "c"].map((name) => client.execute(name));
  const commands = [];
  for (const _ of calls) commands.push(await server.command());
  assertEquals(commands.map((command) => command.execute), ["a", "b", "c"]);
  for (const command of commands.toReversed()) {
    server.answer(command, command.execute);
  }
  assertEquals(await Promise.all(calls), ["a", "b", "c"]);
  await client.disconnect();
  await server.end();
});

Deno.test("fact 6: integers of 64 bits go and come without a digit lost", async () => {
  const { client, server } = await runningClient();
  const size = 2n ** 63n - 1n;
  const call = client.execute("block_resize", { size });
  const command = await server.command();
  assertEquals(command.arguments, { size });
  server.answer(command, { size, small: 5 });
  assertEquals(await call, { size, small: 5 });
  await client.disconnect();
  await server.end();
});

Deno.test("an error of the server rejects with an ExecuteError that has all of it", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("device_del", { id: "nic" });
  const command = await server.command();
  server.refuse(command, "DeviceNotFound", "Device 'nic' not found");
  const error = await failureOf(call);
  assertInstanceOf(error, ExecuteError);
  assertEquals(
    error.message,
    "Cannot execute device_del: Device 'nic' not found (DeviceNotFound)",
  );
  assertEquals(error.errorClass, "DeviceNotFound");
  assertEquals(error.description, "Device 'nic' not found");
  assertEquals(error.sent, command);
  assertEquals(error.received.id, command.id);
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});

for (
  const bad of [
    {},
    { error: "no" },
    { error: null },
    { error: { class: "GenericError" } },
    { error: { desc: "No class" } },
  ]
) {
  Deno.test(`a reply of ${JSON.stringify(bad)} rejects with a BadReplyError, and the session lives`, async () => {
    const { client, server } = await runningClient();
    const call = client.execute("query-status");
    const { id } = await server.command();
    server.send({ ...bad, id });
    const error = await failureOf(call);
    assertInstanceOf(error, BadReplyError);
    assertEquals(error.sent.execute, "query-status");
    assertEquals(error.received, { ...bad, id });
    const next = client.execute("query-version");
    server.answer(await server.command(), 7);
    assertEquals(await next, 7);
    await client.disconnect();
    await server.end();
  });
}

Deno.test("executeMessage() sends a copy, with an id of its own where it has none", async () => {
  const { client, server } = await runningClient();
  const message = { execute: "stop", arguments: { now: true } };
  const call = client.executeMessage(message);
  message.arguments.now = false;
  const command = await server.command();
  assertEquals(command.arguments, { now: true });
  assert(command.id !== undefined);
  assertFalse("id" in message);
  server.answer(command);
  assertEquals(await call, {});
  await client.disconnect();
  await server.end();
});

Deno.test("executeMessage() uses the id that it is given, and refuses one in use", async () => {
  const { client, server } = await runningClient();
  const call = client.executeMessage({ execute: "stop", id: "mine" });
  assertEquals((await server.command()).id, "mine");
  await assertRejects(
    () => client.executeMessage({ execute: "cont", id: "mine" }),
    TypeError,
    "Cannot execute: id is in use: mine",
  );
  server.send({ return: {}, id: "mine" });
  await call;
  const again = client.executeMessage({ execute: "cont", id: "mine" });
  server.answer(await server.command());
  assertEquals(await again, {});
  await client.disconnect();
  await server.end();
});

Deno.test("ids of ours keep clear of those that are given", async () => {
  const { client, server } = await runningClient();
  const given = client.executeMessage({ execute: "stop", id: 3 });
  const { id } = await server.command();
  assertEquals(id, 3);
  const ours = [1, 2, 3].map(() => client.execute("cont"));
  const ids = new Set<unknown>([id]);
  for (const _ of ours) {
    const command = await server.command();
    ids.add(command.id);
    server.answer(command);
  }
  assertEquals(ids.size, 4);
  server.send({ return: {}, id });
  await Promise.all([given, ...ours]);
  await client.disconnect();
  await server.end();
});

Deno.test("a message that names no command, or has no proper id, is refused", async () => {
  const { client, server } = await runningClient();
  await assertRejects(
    () => client.executeMessage({}),
    TypeError,
    "Cannot execute: message names no command",
  );
  await assertRejects(
    () => client.executeMessage({ execute: "stop", id: 1.5 }),
    TypeError,
    "Cannot execute: id must be a string or an integer: 1.5",
  );
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("arguments without a JSON text reject that call alone", async () => {
  const { client, server } = await runningClient();
  const circular: Message = {};
  circular.self = circular;
  await assertRejects(() => client.execute("a", circular), TypeError);
  const call = client.execute("b");
  const command = await server.command();
  assertEquals(command.execute, "b");
  server.answer(command);
  await call;
  await client.disconnect();
  await server.end();
});

Deno.test("execute() rejects with a StateError whenever the session does not run", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const refuses = async (state: string) => {
    assertEquals(client.runstate, state);
    const error = await failureOf(client.execute("stop"));
    assertInstanceOf(error, StateError);
    assertMatch(error.message, /^QMPClient is /);
    assertEquals([error.state, error.required], [state, "running"]);
  };
  await refuses("idle");
  const server = await Script.over(far);
  const connecting = client.connect(near);
  await turns();
  await refuses("connecting");
  await server.shakeHands();
  await connecting;
  await server.end();
  await client.closed.catch(() => {});
  await refuses("disconnecting");
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await refuses("idle");
});

Deno.test("fact 4: events may come before the greeting and before the reply to qmp_capabilities", async () => {
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

Deno.test("fact 3: a greeting that comes twice before the negotiation is answered once", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const server = await Script.over(far);
  const connecting = client.connect(near);
  server.send(greeting(), greeting());
  const request = await server.command();
  assertEquals(request.execute, "qmp_capabilities");
  server.answer(request);
  await connecting;
  const call = client.execute("stop");
  const command = await server.command();
  assertEquals(command.execute, "stop");
  server.answer(command, 1);
  assertEquals(await call, 1);
  await client.disconnect();
  await server.end();
});

Deno.test("fact 3: a greeting that comes again in a running session has the negotiation repeated", async () => {
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

Deno.test("a repeated negotiation that is refused ends the session", async () => {
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
  const call = client.execute("guest-ping");
  server.answer(await server.command(), 1);
  assertEquals(await call, 1);
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

/** The ways in which a handshake fails: what the server does, and what is said. */
const handshakes: [
  string,
  (server: Script) => Promise<void> | void,
  typeof GreetingError | typeof NegotiationError,
  string,
][] = [
  [
    "says something else first",
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
    const connecting = failureOf(client.connect(near));
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
  Deno.test(`a server that gives no ${phase} is told apart by its phase, in time`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient({ handshakeTimeout: 20 });
    const server = await Script.over(far);
    play(server);
    const error = await failureOf(client.connect(near));
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
  const connecting = failureOf(client.connect(near, { signal: signal.signal }));
  await turns();
  signal.abort(reason);
  assertStrictEquals(await connecting, reason);
  assertEquals(signal.listeners, 0);
  assertEquals(client.runstate, "idle");
  far.abort();
});

Deno.test("an option that cannot be is refused by its name", () => {
  assertThrows(
    () => new QMPClient({ handshakeTimeout: -1 }),
    RangeError,
    "Cannot use the option: handshakeTimeout is -1",
  );
  assertThrows(
    () => new QMPClient({ handshakeTimeout: "5" as unknown as number }),
    RangeError,
    'Cannot use the option: handshakeTimeout is "5"',
  );
});

Deno.test("fact 8: an aborted call rejects with the reason, and its late reply is dropped", async () => {
  const { client, server } = await runningClient();
  const signal = new WatchedSignal();
  const reason = new Error("Enough");
  let sent = false;
  const call = client.execute("slow", {}, {
    signal: signal.signal,
    onSent: () => sent = true,
  });
  assert(sent);
  assertEquals(signal.listeners, 1);
  const slow = await server.command();
  signal.abort(reason);
  assertStrictEquals(await failureOf(call), reason);
  assertEquals(signal.listeners, 0);
  server.answer(slow, "late");
  const next = client.execute("fast");
  server.answer(await server.command(), "in time");
  assertEquals(await next, "in time");
  await client.disconnect();
  await server.end();
});

Deno.test("a signal that is aborted before keeps the command from being sent", async () => {
  const { client, server } = await runningClient();
  const reason = new Error("Enough");
  const call = client.execute("stop", {}, {
    signal: AbortSignal.abort(reason),
    onSent: () => assert(false),
  });
  assertStrictEquals(await failureOf(call), reason);
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("a call takes its listener off the signal however it ends", async () => {
  const { client, server } = await runningClient();
  const { signal, ...watched } = watch();
  const answered = client.execute("a", {}, { signal });
  server.answer(await server.command());
  await answered;
  assertEquals(watched.listeners(), 0);
  const refused = client.execute("b", {}, { signal });
  server.refuse(await server.command(), "GenericError", "No");
  await assertRejects(() => refused, ExecuteError);
  assertEquals(watched.listeners(), 0);
  await assertRejects(() => client.execute("c", circular(), { signal }));
  assertEquals(watched.listeners(), 0);
  const interrupted = client.execute("d", {}, { signal });
  await client.disconnect();
  await assertRejects(() => interrupted, ExecInterruptedError);
  assertEquals(watched.listeners(), 0);
  await server.end();
});

function watch(): { signal: AbortSignal; listeners: () => number } {
  const watched = new WatchedSignal();
  return { signal: watched.signal, listeners: () => watched.listeners };
}

function circular(): Message {
  const value: Message = {};
  value.self = value;
  return value;
}

Deno.test("the end of the session rejects every call with its first cause", async () => {
  const { client, server } = await runningClient();
  const calls = Array.from({ length: 100 }, () => client.execute("slow"));
  await turns();
  await server.end();
  const errors = await Promise.all(calls.map(failureOf));
  for (const error of errors) {
    assertInstanceOf(error, ExecInterruptedError);
    assertInstanceOf(error.cause, EndOfStreamError);
    assertStrictEquals(error.cause, client.signal.reason);
    assert(error.sent);
    assertEquals(
      error.message,
      "Cannot execute slow, which may have run: Peer ended the stream",
    );
  }
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("fact 8: a reply with an unknown id is dropped with a warning, a late one in silence", async () => {
  const warnings: string[] = [];
  await configure({
    sinks: { warnings: ({ message }) => warnings.push(message.join("")) },
    loggers: [
      { category: ["parley"], sinks: ["warnings"], lowestLevel: "warning" },
      { category: ["logtape", "meta"], lowestLevel: "fatal" },
    ],
  });
  try {
    const { client, server } = await runningClient();
    const aborting = new AbortController();
    const { signal } = aborting;
    const call = client.execute("slow", {}, { signal });
    const slow = await server.command();
    aborting.abort();
    await assertRejects(() => call, DOMException);
    server.answer(slow, "late");
    server.send({ return: 1, id: "unknown" }, { return: 1 });
    const next = client.execute("fast");
    server.answer(await server.command(), 1);
    assertEquals(await next, 1);
    await client.disconnect();
    await server.end();
  } finally {
    await reset();
  }
  assertEquals(warnings.length, 2);
  for (const warning of warnings) {
    assertStringIncludes(warning, "Dropped a reply to no command");
  }
});

Deno.test("fact 8: an error without an id ends the session with a ServerParseError", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("stop");
  await server.command();
  const received = {
    error: { class: "GenericError", desc: "JSON parse error" },
  };
  server.send(received);
  const error = await failureOf(client.closed);
  assertInstanceOf(error, ServerParseError);
  assertEquals(error.received, received);
  assertStringIncludes(error.message, "JSON parse error");
  const interrupted = await failureOf(call);
  assertInstanceOf(interrupted, ExecInterruptedError);
  assertStrictEquals(interrupted.cause, error);
  await assertRejects(() => client.disconnect(), ServerParseError);
  await server.end();
});

Deno.test("a message that is no JSON object ends the session", async () => {
  for (const message of ["[]", "1 ", '"text"', "null "]) {
    const { client, server } = await runningClient();
    server.peer.send(JSON.parse(message));
    const error = await failureOf(client.closed);
    assertInstanceOf(error, ProtocolError);
    assertStringIncludes(error.message, "Message is no JSON object");
    await assertRejects(() => client.disconnect(), ProtocolError);
    await server.end();
  }
});

for (
  const [what, bytes, Failure] of [
    ["bad UTF-8", [0x22, 0xc3, 0x28, 0x22], DecodeError],
    ["a byte of 0xFF", [0xff], DecodeError],
    ["no JSON", [...new TextEncoder().encode('{"a":}')], DecodeError],
  ] as const
) {
  Deno.test(`fact 12: ${what} ends the session with a ${Failure.name}`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient({ awaitGreeting: false, negotiate: false });
    await client.connect(near);
    await far.writable.getWriter().write(Uint8Array.from(bytes));
    await assertRejects(() => client.closed, Failure);
    await assertRejects(() => client.disconnect(), Failure);
    await far.close();
  });
}

Deno.test("fact 13: a reply of 64 MiB needs a larger limit than that of 10 MiB", async () => {
  const big = "x".repeat(64 * 1024 * 1024);
  for (const maxMessageBytes of [undefined, 65 * 1024 * 1024]) {
    const { client, server } = await runningClient({ maxMessageBytes });
    const call = client.execute("read");
    server.answer(await server.command(), big);
    if (maxMessageBytes) {
      assert(await call === big);
      await client.disconnect();
    } else {
      const error = await assertRejects(() => call, ExecInterruptedError);
      assertInstanceOf(error.cause, MessageTooLargeError);
      assertStringIncludes(error.message, "maxMessageBytes is 10485760");
      await assertRejects(() => client.disconnect(), MessageTooLargeError);
    }
    await server.end();
  }
});

Deno.test("fact 7: out-of-band is enabled where it is offered, and sent as exec-oob", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const server = await Script.over(far);
  const [request] = await Promise.all([
    server.shakeHands(["oob", "later"]),
    client.connect(near),
  ]);
  assertEquals(request.arguments, { enable: ["oob"] });
  const call = client.execute("migrate-pause", {}, { oob: true });
  const command = await server.command();
  assertEquals(command["exec-oob"], "migrate-pause");
  assertFalse("execute" in command);
  server.answer(command);
  assertEquals(await call, {});
  await client.disconnect();
  await server.end();
});

Deno.test("fact 7: with out-of-band, fewer than 8 commands are on the wire, and one out of band gets through", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 20 }, (_, n) => client.execute(`c${n}`));
  const oob = client.execute("now", {}, { oob: true });
  const seen: Message[] = [];
  for (let n = 0; n < 8; n++) seen.push(await server.command());
  assertEquals(seen.map((command) => command.execute ?? command["exec-oob"]), [
    ...["c0", "c1", "c2", "c3", "c4", "c5", "c6"],
    "now",
  ]);
  server.answer(seen.pop() ?? {}, "oob");
  assertEquals(await oob, "oob");
  assertEquals(client.stats.messagesSent, 9);

  for (let n = 7; n < 20; n++) {
    server.answer(seen.shift() ?? {});
    const next = await server.command();
    assertEquals(next.execute, `c${n}`);
    seen.push(next);
  }
  for (const command of seen) server.answer(command);
  await Promise.all(calls);
  await client.disconnect();
  await server.end();
});

Deno.test("without out-of-band, commands go out as they come", async () => {
  const { client, server } = await runningClient();
  const calls = Array.from({ length: 20 }, () => client.execute("c"));
  for (const _ of calls) server.answer(await server.command());
  await Promise.all(calls);
  await client.disconnect();
  await server.end();
});

Deno.test("a command that waits for its turn is what it was when it was given", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 7 }, () => client.execute("first"));
  const args = { size: 2n ** 60n };
  calls.push(client.execute("waits", args));
  args.size = 0n;
  for (let n = 0; n < 7; n++) server.answer(await server.command());
  const command = await server.command();
  assertEquals(command.arguments, { size: 2n ** 60n });
  server.answer(command);
  await Promise.all(calls);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted command that waits for its turn is never sent", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 7 }, () => client.execute("first"));
  const aborting = new AbortController();
  const sent: string[] = [];
  const aborted = client.execute("aborted", {}, {
    signal: aborting.signal,
    onSent: () => sent.push("aborted"),
  });
  calls.push(client.execute("last", {}, { onSent: () => sent.push("last") }));
  aborting.abort();
  await assertRejects(() => aborted, DOMException);
  const seen = [];
  for (const _ of calls) {
    const command = await server.command();
    seen.push(command.execute);
    server.answer(command);
  }
  await Promise.all(calls);
  assertEquals(seen, [...Array(7).fill("first"), "last"]);
  assertEquals(sent, ["last"]);
  await client.disconnect();
  await server.end();
});

Deno.test("the end of the session tells what was sent from what was not", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 100 }, () => client.execute("slow"));
  await turns();
  await server.end();
  const errors = await Promise.all(calls.map(failureOf));
  const sent = errors.map((error) =>
    error instanceof ExecInterruptedError && error.sent
  );
  assertEquals(sent, [...Array(7).fill(true), ...Array(93).fill(false)]);
  const last = errors.at(-1);
  assertInstanceOf(last, Error);
  assertEquals(
    last.message,
    "Cannot execute slow, which was never sent: Peer ended the stream",
  );
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("an onSent that throws rejects its call alone", async () => {
  const { client, server } = await runningClient();
  const error = new Error("Mine");
  const onSent = () => {
    throw error;
  };
  const call = client.execute("stop", {}, { onSent });
  assertStrictEquals(await failureOf(call), error);
  server.answer(await server.command());
  const next = client.execute("cont");
  server.answer(await server.command(), 1);
  assertEquals(await next, 1);
  await client.disconnect();
  await server.end();
});

Deno.test("fact 9: after quit the server's end is an orderly end", async () => {
  const { client, server } = await runningClient();
  const states = recordRunstates(client);
  const quitting = client.quit();
  server.answer(await server.command());
  await server.end();
  await quitting;
  await client.closed;
  await client.disconnect();
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
});

Deno.test("fact 9: after quit a cut without a reply is an orderly end, too", async () => {
  const { client, server, remote } = await runningClient();
  const quitting = client.quit();
  await server.command();
  remote.abort();
  await quitting;
  await client.closed;
  await client.disconnect();
  await server.end();
});

Deno.test("after execute('quit') the server's end is orderly, though the call has no reply", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("quit");
  await server.command();
  await server.end();
  await assertRejects(() => call, ExecInterruptedError);
  await client.closed;
  await client.disconnect();
});

Deno.test("where quit is refused, the server's end is no orderly one", async () => {
  const { client, server } = await runningClient();
  const quitting = client.quit();
  server.refuse(await server.command(), "GenericError", "Not now");
  await assertRejects(() => quitting, ExecuteError, "Not now");
  await server.end();
  await assertRejects(() => client.closed, EndOfStreamError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("quit() can be aborted while the server takes its time to end", async () => {
  const { client, server } = await runningClient();
  const signal = new WatchedSignal();
  const quitting = client.quit({ signal: signal.signal });
  server.answer(await server.command());
  await turns();
  const reason = new Error("Enough");
  signal.abort(reason);
  assertStrictEquals(await failureOf(quitting), reason);
  assertEquals(signal.listeners, 0);
  await client.disconnect();
  await server.end();
});

Deno.test("a client can be used again, and nothing of the last session stays", async () => {
  const client = new QMPClient();
  for (let round = 0; round < 3; round++) {
    const [near, far] = memoryPair();
    const server = await Script.over(far);
    await Promise.all([client.connect(near), server.shakeHands()]);
    const call = client.execute("stop");
    const command = await server.command();
    await client.disconnect();
    await assertRejects(() => call, ExecInterruptedError);
    assertEquals(command.id, 2);
    await server.end();
  }
});

Deno.test("a client accepts a server that dials", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const client = new QMPClient();
  const accepted = client.accept(listener);
  const server = await Script.over(await transport.connect());
  await server.shakeHands();
  await accepted;
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});
