import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  DecodeError,
  EndOfStreamError,
  ParleyError,
} from "../../protocol/mod.ts";
import {
  BadReplyError,
  ExecuteError,
  JobError,
  mergeEvents,
  QMPClient,
  runJob,
} from "../../qmp/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { memoryPair } from "../../transports/mod.ts";
import {
  bareClient,
  event,
  greeting,
  type Message,
  runningClient,
  Script,
} from "../support/qmp/qmp_script.ts";
import { write } from "../support/protocol/session.ts";

/** Text that would clear a screen, set a title and forge a line of a log. */
const EVIL = "\x1b[2J\x1b]0;title\x07\nERROR forged\r\u202e\u2028\x9b0m";

/** Characters that act on a terminal, and line ends. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u202e\u2028]/;

/** The messages of an error and of its causes. */
function messagesOf(error: unknown): string[] {
  assertInstanceOf(error, ParleyError);
  const { cause, message } = error;
  return [message, ...(cause instanceof ParleyError ? messagesOf(cause) : [])];
}

function assertSafe(error: unknown, part = "ERROR forged"): void {
  const messages = messagesOf(error);
  assertStringIncludes(messages.join(), part);
  for (const message of messages) assertFalse(UNSAFE.test(message), message);
}

/** Messages in place of a greeting, or of the messages that follow it. */
const handshakes: [string, (server: Script) => Promise<void> | void][] = [
  ["another message", (server) => server.send({ [EVIL]: EVIL })],
  ["a malformed greeting", (server) => server.send({ QMP: { [EVIL]: EVIL } })],
  [
    "an event without a name",
    (server) => server.send({ event: { [EVIL]: 1 } }),
  ],
  ["a refusal of qmp_capabilities", async (server) => {
    server.send(greeting());
    server.refuse(await server.command(), EVIL, EVIL);
  }],
  ["a malformed refusal of qmp_capabilities", async (server) => {
    server.send(greeting());
    const { id } = await server.command();
    server.send({ id, error: { class: EVIL } });
  }],
];

for (const [what, play] of handshakes) {
  Deno.test(`escape sequences in ${what} do not get into the error of connect()`, async () => {
    const [near, far] = memoryPair();
    const client = new QMPClient();
    const server = await Script.over(far);
    const connecting = rejection(client.connect(near));
    await play(server);
    assertSafe(await connecting);
    await server.end();
  });
}

Deno.test("escape sequences in an error of the server are escaped only in the message", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("stop");
  server.refuse(await server.command(), EVIL, EVIL);
  const error = await assertRejects(() => call, ExecuteError);
  assertSafe(error);
  assertEquals([error.errorClass, error.description], [EVIL, EVIL]);
  await client.disconnect();
  await server.end();
});

Deno.test("escape sequences in bad replies, parse failures and their consequences are escaped", async () => {
  const { client, server } = await runningClient();
  const bad = client.execute("bad");
  server.send({ id: (await server.command()).id, [EVIL]: EVIL });
  assertSafe(await assertRejects(() => bad, BadReplyError));
  const interrupted = client.execute("stop");
  server.send({ error: { class: EVIL, desc: EVIL } });
  assertSafe(await rejection(interrupted));
  assertSafe(await rejection(client.disconnect()));
  await server.end();
});

Deno.test("escape sequences in the error of a job are escaped", async () => {
  const { client, server } = await runningClient();
  const job = runJob(client, "blockdev-backup", { "job-id": "j" });
  const command = await server.command();
  server.answer(command);
  server.send(
    event("BLOCK_JOB_COMPLETED", { device: "j", error: EVIL }),
    event("JOB_STATUS_CHANGE", { id: "j", status: "concluded" }),
  );
  const error = await assertRejects(() => job, JobError);
  assertSafe(error);
  assertEquals(error.description, EVIL);
  await client.disconnect();
  await server.end();
});

for (
  const [what, text] of [
    ["an object", '{"return": "hunter2" oops}'],
    ["an object with bad UTF-8", '{"return": "hunter2\xff'],
    ["an array", '[{"return": {"password": "hunter2"}}]'],
  ] as const
) {
  Deno.test(`the error about ${what} that is not a message does not quote its secret`, async () => {
    const { client, far } = await bareClient();
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    await write(far, bytes);
    await far.close();
    const error = await rejection(client.closed);
    const shown = Deno.inspect(error, { depth: Infinity });
    assertFalse(shown.includes("hunter2"), shown);
    await rejection(client.disconnect());
  });
}

Deno.test("the error about a peer that does not speak QMP shows its bytes", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const connecting = rejection(client.connect(near));
  await write(far, "SSH-2.0-OpenSSH_9.2\r\n");
  const error = await connecting;
  assertInstanceOf(error, ParleyError);
  assertStringIncludes(error.message, "SSH-2.0-OpenSSH_9.2");
  await far.close();
});

/** Names that every object has, or that an assignment does not set. */
const NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty"];

for (const name of NAMES) {
  Deno.test(`the name ${name} is data: of a client, a command, an id, an argument and an event`, async () => {
    const { client, server } = await runningClient({ name });
    const listener = client.listen(name);
    const merged = mergeEvents([client], name);
    const args: Message = JSON.parse(`{"${name}": 1}`);
    const call = client.execute(name, args);
    const command = await server.command();
    assertEquals(command.execute, name);
    assertEquals(JSON.stringify(command.arguments), `{"${name}":1}`);
    server.send({ return: 0, id: name }, event("OTHER"), event(name, args));
    server.answer(command, JSON.parse(`{"${name}": 2}`));
    assertEquals(JSON.stringify(await call), `{"${name}":2}`);
    const message = { execute: "stop", id: name };
    const given = client.executeMessage(message);
    server.answer(await server.command(), 1);
    assertEquals(await given, 1);
    const heard = await listener.next(name);
    assertEquals(heard.event, name);
    assertEquals(JSON.stringify(heard.data), `{"${name}":1}`);
    assertEquals((await merged.next(name)).event, name);
    assertEquals(client.events.clear().length, 2);
    assert(!("polluted" in {}));
    await server.end();
    await assertRejects(() => client.disconnect(), EndOfStreamError);
  });
}

Deno.test("a message with a member __proto__ is routed by its own members", async () => {
  const { client, far } = await bareClient();
  await write(
    far,
    '{"__proto__": {"event": "FORGED", "id": 1, "return": 2}}{"event": "REAL"}',
  );
  assertEquals((await client.events.next()).event, "REAL");
  await client.disconnect();
  await far.close();
});

Deno.test("bytes that are not JSON end the session with a DecodeError at their offset", async () => {
  const { client, far } = await bareClient();
  await write(far, '{"event": "A"}\r\n{"return": hunter2}');
  const error = await rejection(client.closed);
  assertInstanceOf(error, DecodeError);
  assertEquals(error.message, 'Message is not JSON at offset 16: "{"');
  await rejection(client.disconnect());
  await far.close();
});
