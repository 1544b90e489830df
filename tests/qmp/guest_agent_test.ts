import {
  assertEquals,
  assertInstanceOf,
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
import { memoryPair } from "../../transports/mod.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { runningAgent } from "../support/qmp/scripted_agent.ts";
import { turns } from "../support/turns.ts";

Deno.test("answers without ids are matched in order, one command at a time", async () => {
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

Deno.test("an error of the agent is an ExecuteError, and a reply without a result a BadReplyError", async () => {
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
  await agent.synchronize();
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
  await agent.synchronize();
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

  using time = new VirtualTime();
  const { client: running, agent } = await runningAgent({
    handshakeTimeout: 20,
  });
  const slow = running.execute("slow");
  time.pass(1_000);
  assertEquals(await agent.answer(1), { execute: "slow" });
  assertEquals(await slow, 1);
  await running.disconnect();
  await agent.end();
});

Deno.test("an invalid handshakeTimeout is refused by its name", () => {
  assertThrows(
    () => new GuestAgentClient({ handshakeTimeout: -1 }),
    RangeError,
    "handshakeTimeout is -1",
  );
});

Deno.test("an invalid timeout or limit is refused by its name", async () => {
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
