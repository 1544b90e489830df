import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { CallTimeoutError } from "../../protocol/mod.ts";
import { GuestAgentClient } from "../../qmp/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { memoryPair } from "../../transports/mod.ts";
import { runningAgent, ScriptedAgent } from "../support/qmp/scripted_agent.ts";
import { turns } from "../support/turns.ts";

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
    assertEquals(await agent.answer({}), { execute: "guest-ping" });
    assertEquals(await ping, {});
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("after a deadline the next command synchronizes, and a late answer is dropped", async () => {
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
  await agent.answer("in time");
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
  assertEquals((await agent.answer(3)).execute, "three");
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
  await agent.synchronize();
  assertEquals((await agent.answer(1)).execute, "last");
  assertEquals(await last, 1);
  await client.disconnect();
  await agent.end();
});

Deno.test("5,000 commands that are aborted while the agent does not read leave one request queued", async () => {
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

Deno.test("after an answer to no command, the next command synchronizes first", async () => {
  const { client, agent } = await runningAgent();
  await agent.say('{"return": "nobody asked"}\n');
  await turns();
  const call = client.execute("next");
  await agent.say(`{"return": "again"}\nÿ{"return": ${await agent.sync()}}\n`);
  assertEquals((await agent.answer(1)).execute, "next");
  assertEquals(await call, 1);
  await client.disconnect();
  await agent.end();
});

Deno.test("a message to no command that cannot be read is dropped", async () => {
  const { client, agent } = await runningAgent();
  await agent.say('oops\n{"return": 1}\n');
  await turns();
  const ping = client.execute("guest-ping");
  await agent.synchronize();
  await agent.answer({});
  assertEquals(await ping, {});
  await client.disconnect();
  await agent.end();
});
