import { concat } from "@std/bytes";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CallTimeoutError,
  ConnectError,
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
  GuestAgentClient,
  NegotiationError,
} from "../../qmp/mod.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { memoryPair } from "../../transports/mod.ts";
import { needs, startGuestAgent } from "../support/qemu.ts";
import type { Message } from "../support/qmp_script.ts";
import { runningAgent, ScriptedAgent } from "../support/scripted_agent.ts";
import { turns } from "../support/turns.ts";

const agent = needs("qemu-ga");

/** Leftovers of other sessions, before the answer that a client waits for. */
const leftovers: [string, (id: number) => string][] = [
  ["nothing", () => ""],
  ["an error about the byte of 0xFF", () => '{"error": {"class": "x"}}\n'],
  ["half an answer", () => '{"return": {"buf-b64": "AAAA'],
  ["bad UTF-8", () => "\xc3\x28\x80\n"],
  ["an answer to another's request", (id) => `ÿ{"return": ${id - 1}}\n`],
  ["all of these", (id) => `{"ret\xc3ÿ{"return": ${id + 1}}\n{"error": {}}\n`],
];

for (const [what, before] of leftovers) {
  Deno.test(`a session synchronizes with an agent that has ${what} left`, async () => {
    const [near, far] = memoryPair();
    const client = new GuestAgentClient();
    const agent = new ScriptedAgent(far);
    const connecting = client.connect(near);
    const id = await agent.sync();
    await agent.say(`${before(id)}ÿ{"return": ${id}}\n`);
    await connecting;
    const ping = client.execute("guest-ping");
    assertEquals(await agent.command(), { execute: "guest-ping" });
    await agent.say('{"return": {}}\n');
    assertEquals(await ping, {});
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("fact 14: answers without ids are matched in order, one command at a time", async () => {
  const { client, agent } = await runningAgent();
  const calls = ["a", "b", "c"].map((name) =>
    client.execute("guest-exec", { path: name })
  );
  for (const name of ["a", "b", "c"]) {
    await turns();
    assertEquals(await agent.command(), {
      execute: "guest-exec",
      arguments: { path: name },
    });
    await agent.say(`{"return": "${name}"}\n`);
  }
  assertEquals(await Promise.all(calls), ["a", "b", "c"]);
  assertEquals(client.stats.messagesSent, 4);
  await client.disconnect();
  await agent.end();
});

Deno.test("fact 14: after a deadline the next command synchronizes, and a late answer is dropped", async () => {
  const { client, agent } = await runningAgent({ timeout: 20 });
  const error = await assertRejects(
    () => client.execute("guest-exec"),
    CallTimeoutError,
    "Cannot execute guest-exec, which may have run: no reply within 20 ms",
  );
  assert(error.sent);
  assertEquals(error.method, "guest-exec");
  assertEquals(client.runstate, "running");
  await agent.command();

  const ping = client.execute("guest-ping", {}, { timeout: 10_000 });
  const id = await agent.sync();
  await agent.say('{"return": "late"}\n{"error": {}}\n');
  await agent.say(`ÿ{"return": ${id}}\n`);
  await agent.command();
  await agent.say('{"return": "in time"}\n');
  assertEquals(await ping, "in time");
  await client.disconnect();
  await agent.end();
});

Deno.test("a command to an agent that does not synchronize is never sent", async () => {
  const { client, agent } = await runningAgent({ timeout: 20 });
  await assertRejects(() => client.execute("one"), CallTimeoutError);
  const error = await assertRejects(
    () => client.execute("two"),
    CallTimeoutError,
    "Cannot execute two, which was never sent: no reply within 20 ms",
  );
  assertEquals(error.sent, false);

  const three = client.execute("three", {}, { timeout: 10_000 });
  assertEquals((await agent.command()).execute, "one");
  const first = await agent.sync();
  const second = await agent.sync();
  await agent.say(`{"return": 1}\nÿ{"return": ${first}}\n`);
  await agent.say(`ÿ{"return": ${second}}\n`);
  assertEquals((await agent.command()).execute, "three");
  await agent.say('{"return": 3}\n');
  assertEquals(await three, 3);
  await client.disconnect();
  await agent.end();
});

Deno.test("an aborted command rejects with the reason, and the next one synchronizes", async () => {
  const { client, agent } = await runningAgent();
  const signal = new WatchedSignal();
  const reason = new Error("Enough");
  const slow = client.execute("slow", {}, { signal: signal.signal });
  const waits = client.execute("waits", {}, { signal: signal.signal });
  const last = client.execute("last");
  await agent.command();
  signal.abort(reason);
  assertStrictEquals(await assertRejects(() => slow), reason);
  assertStrictEquals(await assertRejects(() => waits), reason);
  assertEquals(signal.listeners, 0);
  await agent.getInStep();
  assertEquals((await agent.command()).execute, "last");
  await agent.say('{"return": 1}\n');
  assertEquals(await last, 1);
  await client.disconnect();
  await agent.end();
});

Deno.test("commands that time out while the agent does not read leave one request queued", async () => {
  const { client, agent } = await runningAgent();
  const first = client.execute("first", {}, { signal: AbortSignal.abort() });
  await assertRejects(() => first, DOMException);
  for (let n = 0; n < 5_000; n++) {
    const aborting = new AbortController();
    const call = client.execute("next", {}, { signal: aborting.signal });
    await turns();
    aborting.abort();
    await assertRejects(() => call, DOMException);
  }
  const { queuedBytes } = client.stats;
  console.log(`${queuedBytes} bytes queued after 5,000 commands given up`);
  // One request that was taken in part, and one more.
  assertLess(queuedBytes, 256);
  assertLess(client.stats.messagesSent, 2_500);
  await agent.end();
  await assertRejects(() => client.disconnect());
});

Deno.test("the deadline of a command counts from the call, also while it waits for its turn", async () => {
  const { client, agent } = await runningAgent();
  const slow = client.execute("slow");
  const error = await assertRejects(
    () => client.execute("waits", {}, { timeout: 20 }),
    CallTimeoutError,
    "Cannot execute waits, which was never sent: no reply within 20 ms",
  );
  assertEquals(error.sent, false);
  assertEquals((await agent.command()).execute, "slow");
  await agent.say('{"return": 1}\n');
  assertEquals(await slow, 1);
  const next = client.execute("next");
  assertEquals((await agent.command()).execute, "next");
  await agent.say('{"return": 2}\n');
  assertEquals(await next, 2);
  await client.disconnect();
  await agent.end();
});

Deno.test("after an answer to no command, the next command synchronizes first", async () => {
  const { client, agent } = await runningAgent();
  await agent.say('{"return": "nobody asked"}\n');
  await turns();
  const call = client.execute("next");
  await agent.say(`{"return": "again"}\nÿ{"return": ${await agent.sync()}}\n`);
  assertEquals((await agent.command()).execute, "next");
  await agent.say('{"return": 1}\n');
  assertEquals(await call, 1);
  await client.disconnect();
  await agent.end();
});

/** Replies that cannot be read: the start, the rest, and the error. */
const unreadable: [
  string,
  string,
  string,
  abstract new (...args: never[]) => ProtocolError,
][] = [
  [
    "is too large",
    `{"return": "${"x".repeat(2_000)}`,
    `${"x".repeat(100_000)}"}\n`,
    MessageTooLargeError,
  ],
  ["is not JSON", '{"return": oops}\n', '"x" 1\n{"return": 2}\n', DecodeError],
  ["is not UTF-8", '"\xc3\x28"', '{"return": 2}\n', DecodeError],
  ["is not an object", "[1]\n", '{"return": 2}\n', ProtocolError],
];

for (const [what, start, rest, Cause] of unreadable) {
  Deno.test(`a reply that ${what} fails only its own command`, async () => {
    const { client, agent } = await runningAgent({ maxMessageBytes: 1_000 });
    const bad = client.execute("bad");
    const next = client.execute("next");
    await agent.command();
    await agent.say(start);
    const error = await assertRejects(() => bad, BadReplyError);
    assertInstanceOf(error.cause, Cause);
    assertEquals(
      error.message,
      `Cannot execute bad: bad reply: ${error.cause.message}`,
    );
    assertEquals([error.sent.execute, error.received], ["bad", undefined]);
    await agent.say(`${rest}ÿ{"return": ${await agent.sync()}}\n`);
    assertEquals((await agent.command()).execute, "next");
    await agent.say('{"return": 1}\n');
    assertEquals(await next, 1);
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("a message to no command that cannot be read is dropped", async () => {
  const { client, agent } = await runningAgent();
  await agent.say('oops\n{"return": 1}\n');
  await turns();
  const ping = client.execute("guest-ping");
  await agent.getInStep();
  await agent.command();
  await agent.say('{"return": {}}\n');
  assertEquals(await ping, {});
  await client.disconnect();
  await agent.end();
});

Deno.test("errors of the agent are those of QMP", async () => {
  const { client, agent } = await runningAgent();
  const refused = client.execute("nope");
  await agent.command();
  await agent.say('{"error": {"class": "CommandNotFound", "desc": "No"}}\n');
  const error = await assertRejects(() => refused, ExecuteError);
  assertEquals(error.errorClass, "CommandNotFound");
  const bad = client.execute("bad");
  await agent.command();
  await agent.say('{"foo": 1}\n');
  await assertRejects(() => bad, BadReplyError);
  const next = client.execute("next");
  await agent.command();
  await agent.say('{"return": 1}\n');
  assertEquals(await next, 1);
  await client.disconnect();
  await agent.end();
});

Deno.test("guest-shutdown resolves if no error arrives in time, or the session ends", async () => {
  const { client, agent } = await runningAgent({ timeout: 20 });
  assertEquals(await client.execute("guest-suspend-ram"), {});
  await agent.command();
  const refused = client.execute("guest-shutdown", {}, { timeout: 10_000 });
  await agent.getInStep();
  await agent.command();
  await agent.say('{"error": {"class": "GenericError", "desc": "No"}}\n');
  await assertRejects(() => refused, ExecuteError);
  const down = client.execute("guest-shutdown", {}, { timeout: 10_000 });
  await agent.command();
  await agent.end();
  assertEquals(await down, {});
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("the end of the session rejects every command with its first cause", async () => {
  const { client, agent } = await runningAgent();
  const calls = [1, 2, 3].map((n) => client.execute(`c${n}`));
  await agent.command();
  await agent.end();
  const outcomes = await Promise.allSettled(calls);
  const errors = outcomes.map((outcome) =>
    outcome.status === "rejected" ? outcome.reason : undefined
  );
  for (const error of errors) {
    assertInstanceOf(error, ExecInterruptedError);
    assertStrictEquals(error.cause, client.signal.reason);
  }
  assertEquals(errors.map((error) => error.sent), [true, false, false]);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await assertRejects(() => client.execute("c4"), StateError);
});

Deno.test("connect() to a silent agent fails in time", async () => {
  const [near, far] = memoryPair();
  const client = new GuestAgentClient({ timeout: 20 });
  const error = await assertRejects(() => client.connect(near), ConnectError);
  assertEquals(
    error.message,
    "Failed to establish session: " +
      "Cannot synchronize with the guest agent: nothing came for 20 ms",
  );
  assertInstanceOf(error.cause, NegotiationError);
  assertEquals(client.runstate, "idle");
  await far.close();
});

Deno.test("keepAliveInterval pings a silent agent, and again if it does not reply", async () => {
  const { client, agent } = await runningAgent({
    keepAliveInterval: 5,
    timeout: 20,
  });
  assertEquals(await agent.answer({}), { execute: "guest-ping" });
  assertEquals(await agent.command(), { execute: "guest-ping" });
  await agent.getInStep();
  assertEquals(await agent.answer({}), { execute: "guest-ping" });
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await agent.end();
});

Deno.test("handshakeTimeout bounds only connect()", async () => {
  const [near, far] = memoryPair();
  const client = new GuestAgentClient({ handshakeTimeout: 20 });
  const error = await assertRejects(() => client.connect(near), ConnectError);
  assertStringIncludes(error.message, "nothing came for 20 ms");
  await far.close();
  assertThrows(
    () => new GuestAgentClient({ handshakeTimeout: -1 }),
    RangeError,
    "handshakeTimeout is -1",
  );
});

Deno.test("an invalid timeout is refused by its name", async () => {
  assertThrows(
    () => new GuestAgentClient({ timeout: -1 }),
    RangeError,
    "Cannot use the option: timeout is -1",
  );
  assertThrows(
    () => new GuestAgentClient({ maxMessageBytes: 0 }),
    RangeError,
    "maxMessageBytes is 0",
  );
  const { client, agent } = await runningAgent();
  await assertRejects(
    () => client.execute("guest-ping", {}, { timeout: NaN }),
    RangeError,
    "Cannot use the option: timeout is NaN",
  );
  await client.disconnect();
  await agent.end();
});

Deno.test({
  name: "fact 14: a client synchronizes with a real agent again and again",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    for (let time = 0; time < 20; time++) {
      await using client = new GuestAgentClient();
      await client.connect(server.transport);
      assertEquals(await client.execute("guest-ping"), {});
      await assertRejects(
        () => client.execute("guest-nonsense"),
        ExecuteError,
        "CommandNotFound",
      );
    }
  },
});

Deno.test({
  name:
    "fact 14: an incomplete command of one session does not affect the next",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const rude = await server.transport.connect();
    const writer = rude.writable.getWriter();
    await writer.write(new TextEncoder().encode('{"execute": "guest-info"}'));
    await writer.write(new TextEncoder().encode('{"execute": "guest-p'));
    await rude.close();
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    assertEquals(await client.execute("guest-ping"), {});
  },
});

Deno.test({
  name:
    "fact 14: commands to a stopped real agent time out, and it is used again",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    server.process.kill("SIGSTOP");
    await assertRejects(
      () => client.execute("guest-info", {}, { timeout: 50 }),
      CallTimeoutError,
      "may have run",
    );
    await assertRejects(
      () => client.execute("guest-info", {}, { timeout: 50 }),
      CallTimeoutError,
      "was never sent",
    );
    server.process.kill("SIGCONT");
    assertEquals(await client.execute("guest-ping"), {});
  },
});

Deno.test({
  name:
    "fact 13: a file of 8 MiB is read as one message, if the limit allows it",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const path = `${server.process.folder}/file`;
    const content = noise(8 * 1024 * 1024);
    await Deno.writeFile(path, content);
    const read = async (client: GuestAgentClient) => {
      const handle = await client.execute("guest-file-open", { path });
      const count = content.length;
      return await client.execute("guest-file-read", { handle, count }) as {
        "buf-b64": string;
      };
    };
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    const { "buf-b64": text } = await read(client);
    assert(text.length > 10 * 1024 * 1024);
    assertEquals(Uint8Array.fromBase64(text), concat([content]));
    await client.disconnect();

    await using strict = new GuestAgentClient({ maxMessageBytes: 1024 ** 2 });
    await strict.connect(server.transport);
    const error = await assertRejects(() => read(strict), BadReplyError);
    assertInstanceOf(error.cause, MessageTooLargeError);
    assertStringIncludes(error.message, "maxMessageBytes is 1048576");
    assertEquals(await strict.execute("guest-ping"), {});
  },
});

Deno.test({
  name: "the largest replies of a real agent are below the default limit",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const path = `${server.process.folder}/file`;
    const count = 48 * 1024 * 1024;
    await Deno.writeFile(path, new Uint8Array(count));
    await using client = new GuestAgentClient({ timeout: 60_000 });
    await client.connect(server.transport);
    const handle = await client.execute("guest-file-open", { path });
    const args = { handle, count };
    const read = await client.execute("guest-file-read", args) as Message;
    assertEquals(read.count, count);
    console.log(`${client.stats.bytesReceived} bytes for ${count}`);
    assertEquals(await client.execute("guest-ping"), {});
  },
});
