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
  DecodeError,
  EndOfStreamError,
  MessageTooLargeError,
  ProtocolError,
  StateError,
} from "../../protocol/mod.ts";
import {
  BadReplyError,
  ExecInterruptedError,
  ExecuteError,
  QMPClient,
  ServerParseError,
} from "../../qmp/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import {
  bareClient,
  type Message,
  runningClient,
  Script,
} from "../support/qmp_script.ts";
import { logged, textOf } from "../support/logged.ts";
import { overStreams, recordRunstates, write } from "../support/session.ts";
import { turns } from "../support/turns.ts";
import { rejection } from "../../testing/_util/rejection.ts";

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

Deno.test("fact 1: a command is sent as JSON, and nothing follows it", async () => {
  const { client, far } = await bareClient();
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
  const writable = new WritableStream({
    write: (chunk) => void writes.push(new TextDecoder().decode(chunk)),
  });
  await client.connect({
    ...overStreams(near, { writable }),
    remoteAddress: { transport: "tls", hostname: "localhost", port: 4444 },
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

Deno.test("fact 6: integers of 64 bits are sent and received exactly", async () => {
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

Deno.test("an error of the server rejects with an ExecuteError that has all its members", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("device_del", { id: "nic" });
  const command = await server.command();
  server.refuse(command, "DeviceNotFound", "Device 'nic' not found");
  const error = await rejection(call);
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
  Deno.test(`a reply of ${JSON.stringify(bad)} rejects with a BadReplyError, and the session goes on`, async () => {
    const { client, server } = await runningClient();
    const call = client.execute("query-status");
    const { id } = await server.command();
    server.send({ ...bad, id });
    const error = await rejection(call);
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

Deno.test("executeMessage() sends a copy, with an id if the message has none", async () => {
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

Deno.test("executeMessage() uses the given id, and refuses an id in use", async () => {
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

Deno.test("the client's ids differ from ids that are given", async () => {
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

Deno.test("arguments without a JSON text reject only their own call", async () => {
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

Deno.test("execute() rejects with a StateError while the session is not running", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const refuses = async (state: string) => {
    assertEquals(client.runstate, state);
    const error = await rejection(client.execute("stop"));
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

Deno.test("an invalid option is refused by its name", () => {
  assertThrows(
    () => new QMPClient({ handshakeTimeout: -1 }),
    RangeError,
    "Cannot use the option: handshakeTimeout is -1",
  );
  assertThrows(
    () => new QMPClient({ handshakeTimeout: "5" as unknown as number }),
    TypeError,
    'Cannot use the option: handshakeTimeout is "5"',
  );
});

Deno.test("fact 8: a reply with an unknown id is dropped with a warning, a late reply silently", async () => {
  const records = await logged("warning", async () => {
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
  });
  const warnings = records.map(textOf);
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
  const error = await rejection(client.closed);
  assertInstanceOf(error, ServerParseError);
  assertEquals(error.received, received);
  assertStringIncludes(error.message, "JSON parse error");
  const interrupted = await rejection(call);
  assertInstanceOf(interrupted, ExecInterruptedError);
  assertStrictEquals(interrupted.cause, error);
  await assertRejects(() => client.disconnect(), ServerParseError);
  await server.end();
});

Deno.test("a message that is not a JSON object ends the session", async () => {
  for (const message of ["[]", "1 ", '"text"', "null "]) {
    const { client, server } = await runningClient();
    server.peer.send(JSON.parse(message));
    const error = await rejection(client.closed);
    assertInstanceOf(error, ProtocolError);
    assertStringIncludes(error.message, "Message is not a JSON object");
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
    const { client, far } = await bareClient();
    await write(far, Uint8Array.from(bytes));
    await assertRejects(() => client.closed, Failure);
    await assertRejects(() => client.disconnect(), Failure);
    await far.close();
  });
}

Deno.test("fact 13: a reply of 64 MiB needs a larger limit than 10 MiB", async () => {
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

Deno.test("a client can be used again, and keeps nothing of the last session", async () => {
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

Deno.test("keepAliveInterval asks a silent server for its version, whatever it answers", async () => {
  const { client, server } = await runningClient({ keepAliveInterval: 5 });
  for (let n = 0; n < 3; n++) {
    const command = await server.command();
    assertEquals(command.execute, "query-version");
    if (n === 1) server.refuse(command, "CommandNotFound", "No");
    else server.answer(command);
  }
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});
