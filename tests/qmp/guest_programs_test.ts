import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { CallTimeoutError, EndOfStreamError } from "../../protocol/mod.ts";
import {
  BadReplyError,
  type CommandResult,
  ExecInterruptedError,
  ExecuteError,
  GuestAgentClient,
  type GuestAgentSchema,
  type GuestIpAddressType,
  StateError,
} from "../../qmp/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { needs, startGuestAgent } from "../support/servers/qemu.ts";
import { withAgent } from "../support/qmp/with_agent.ts";
import { runningAgent } from "../support/qmp/scripted_agent.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { turns } from "../support/turns.ts";

const agent = needs("qemu-ga");
const MIB = 2 ** 20;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test({
  name:
    "exec() gives a program arguments, input and environment, and returns its output",
  ...agent,
  fn: () =>
    withAgent(async (client) => {
      const result = await client.exec("/bin/sh", {
        args: ["-c", 'cat; echo "$0 $WHO" >&2; exit 3', "zero"],
        env: { WHO: "me" },
        input: "ünïcode\0",
      });
      assertEquals([result.success, result.code], [false, 3]);
      assertEquals(result.signal, undefined);
      assertEquals(text(result.stdout), "ünïcode\0");
      assertEquals(text(result.stderr), "zero me\n");
      assertEquals([result.stdoutTruncated, result.stderrTruncated], [
        false,
        false,
      ]);
      const empty = await client.exec("true", { input: new Uint8Array() });
      assertEquals([empty.success, empty.code], [true, 0]);
      assertEquals([empty.stdout.length, empty.stderr.length], [0, 0]);
    }),
});

Deno.test({
  name: "exec() returns the signal that ended a program",
  ...agent,
  fn: () =>
    withAgent(async (client) => {
      const result = await client.exec("sh", { args: ["-c", "kill -TERM $$"] });
      assertEquals([result.success, result.code], [false, undefined]);
      assertEquals(result.signal, 15);
    }),
});

Deno.test({
  name: "exec() rejects if a program cannot be started",
  ...agent,
  fn: () =>
    withAgent(async (client) => {
      await assertRejects(
        () => client.exec("/no/such/program"),
        ExecuteError,
        "/no/such/program",
      );
    }),
});

Deno.test({
  name: "exec() returns 9 MB of output, and the first 16 MiB of 17 MiB",
  ...agent,
  fn: () =>
    withAgent(async (client) => {
      const args = ["-c", "9000000", "/dev/zero"];
      const { stdout } = await client.exec("head", { args });
      assertEquals(stdout.length, 9_000_000);
      const long = await client.exec("head", {
        args: ["-c", `${17 * MIB}`, "/dev/zero"],
      });
      assert(long.success);
      assertEquals(long.stdout.length, 16 * MIB);
      assertEquals([long.stdoutTruncated, long.stderrTruncated], [true, false]);
    }),
});

Deno.test({
  name: "programs run at the same time, and other commands in between",
  ...agent,
  fn: () =>
    withAgent(async (client, folder) => {
      const fifo = `${folder}/fifo`;
      await client.exec("mkfifo", { args: [fifo] });
      const reader = client.exec("cat", { args: [fifo] });
      assertEquals(await client.execute("guest-ping"), {});
      const script = `echo hello > ${fifo}`;
      const writer = client.exec("sh", { args: ["-c", script] });
      assertEquals(text((await reader).stdout), "hello\n");
      assert((await writer).success);
    }),
});

Deno.test({
  name: "the types of the agent's commands fit a real agent's results",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    await using client = new GuestAgentClient<GuestAgentSchema>();
    await client.connect(server.transport);
    const info = await client.execute("guest-info");
    const names = info.supported_commands.map(({ name }) => name);
    assert(names.includes("guest-exec"));
    const { "kernel-release": release } = await client.execute(
      "guest-get-osinfo",
    );
    assertEquals(typeof release, "string");
    const interfaces = await client.execute("guest-network-get-interfaces");
    const lo = interfaces.find(({ name }) => name === "lo");
    const type: GuestIpAddressType | undefined = lo
      ?.["ip-addresses"]?.[0]?.["ip-address-type"];
    assert(type === "ipv4" || type === "ipv6");
    const [cpu] = await client.execute("guest-get-vcpus");
    assertEquals(typeof cpu?.["logical-id"], "number");
    type Fs = CommandResult<GuestAgentSchema, "guest-get-fsinfo">;
    const disks: Fs = [];
    assertEquals(disks, []);
    // deno-lint-ignore no-unused-vars
    const refused = () => [
      // @ts-expect-error: no such command
      client.execute("guest-pings"),
      // @ts-expect-error: the path is missing
      client.execute("guest-file-open", {}),
      // @ts-expect-error: no such mode
      client.execute("guest-shutdown", { mode: "hault" }),
    ];
  },
});

Deno.test("exec() asks for the status until the program has exited", async () => {
  const { client, agent } = await runningAgent();
  const running = client.exec("sleep", { args: ["1"] });
  assertEquals(await agent.answer({ pid: 7 }), {
    execute: "guest-exec",
    arguments: { path: "sleep", arg: ["1"], "capture-output": true },
  });
  for (let n = 0; n < 4; n++) {
    const status = await agent.answer({ exited: false });
    assertEquals(status.arguments, { pid: 7 });
  }
  await agent.answer({ exited: true, exitcode: 0, "out-data": btoa("done") });
  assertEquals(text((await running).stdout), "done");
  await client.disconnect();
  await agent.end();
});

Deno.test("exec() rejects with the cause when the session ends while it asks for nothing", async () => {
  const { client, agent } = await runningAgent();
  const running = client.exec("sleep");
  await agent.answer({ pid: 7 });
  await agent.answer({ exited: false });
  await agent.end();
  const error = await assertRejects(() => running, ExecInterruptedError);
  assertEquals(error.method, "guest-exec");
  assert(error.sent);
  assertStrictEquals(error.cause, client.signal.reason);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("an aborted exec() rejects at once, and asks no more", async () => {
  const { client, agent } = await runningAgent();
  const signal = new WatchedSignal();
  const reason = new Error("Mine");
  const running = client.exec("sleep", { signal: signal.signal });
  await agent.answer({ pid: 7 });
  await agent.command();
  signal.abort(reason);
  assertStrictEquals(await rejection(running), reason);
  assertEquals(signal.listeners, 0);
  const ping = client.execute("guest-ping");
  await agent.synchronize();
  assertEquals((await agent.answer({})).execute, "guest-ping");
  await ping;
  await client.disconnect();
  await agent.end();
});

Deno.test("exec() rejects if the agent is silent, but not while a large reply arrives", async () => {
  using time = new VirtualTime();
  const { client, agent } = await runningAgent({ timeout: 1_000 });
  const running = client.exec("cat");
  await agent.answer({ pid: 7 });
  await agent.command();
  await agent.say('{"return": {"exited": true, "exitcode": 0, "out-data": "');
  for (let n = 0; n < 10; n++) {
    await turns();
    time.pass(900);
    await agent.say("AAAA");
  }
  await agent.say('"}}\n');
  assertEquals((await running).stdout.length, 30);

  const silent = client.exec("cat");
  await agent.answer({ pid: 8 });
  await agent.command();
  time.pass(1_000);
  const error = await assertRejects(() => silent, CallTimeoutError);
  assertEquals(
    error.message,
    "Cannot execute guest-exec-status, which may have run: " +
      "nothing came for 1000 ms",
  );
  await client.disconnect();
  await agent.end();
});

Deno.test("exec() rejects when the session ends, and without one", async () => {
  const { client, agent } = await runningAgent();
  const running = client.exec("cat");
  await agent.answer({ pid: 7 });
  await agent.command();
  await agent.end();
  await assertRejects(() => running, ExecInterruptedError);
  await assertRejects(() => client.exec("cat"), StateError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

/** A hostile agent's results in place of a status or a pid. */
const badResults: [string, unknown, unknown?][] = [
  ["no object", 5],
  ["no pid", {}],
  ["a pid that is text", { pid: "7" }],
  ["a status that is not an object", { pid: 7 }, "done"],
  ["output that is not base64", { pid: 7 }, {
    exited: true,
    exitcode: 0,
    "out-data": "***",
  }],
  ["output that is not text", { pid: 7 }, { exited: true, "err-data": 5 }],
];

for (const [what, started, status] of badResults) {
  Deno.test(`exec() rejects an agent's result with ${what}, and the session goes on`, async () => {
    const { client, agent } = await runningAgent();
    const running = client.exec("cat");
    await agent.answer(started);
    if (status) await agent.answer(status);
    const error = await assertRejects(() => running, BadReplyError);
    assertLess(error.message.length, 100);
    const ping = client.execute("guest-ping");
    await agent.answer({});
    assertEquals(await ping, {});
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("exec() leaves nothing behind after 100 programs", async () => {
  const { client, agent } = await runningAgent();
  const signal = new WatchedSignal();
  for (let n = 0; n < 100; n++) {
    const running = client.exec("true", { signal: signal.signal });
    await agent.answer({ pid: n });
    await agent.answer({ exited: true, exitcode: 0 });
    assert((await running).success);
    await turns();
  }
  assertEquals(signal.listeners, 0);
  await client.disconnect();
  await agent.end();
});
