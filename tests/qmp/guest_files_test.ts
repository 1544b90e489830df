import {
  assertEquals,
  assertFalse,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { equals } from "@std/bytes";
import {
  BadReplyError,
  ExecInterruptedError,
  ExecuteError,
} from "../../qmp/mod.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { withLogSink } from "../support/protocol/logged.ts";
import { needs } from "../support/servers/qemu.ts";
import { withAgent } from "../support/qmp/with_agent.ts";
import { runningAgent } from "../support/qmp/scripted_agent.ts";

const agent = needs("qemu-ga");
const MIB = 2 ** 20;

Deno.test({
  name:
    "files of any size are written and read: empty, of odd sizes, of 32 MiB",
  ...agent,
  fn: () =>
    withAgent(async (client, folder) => {
      const path = `${folder}/file`;
      for (const size of [0, 1, 3 * 65536, 3 * 65536 + 1, 5 * MIB - 1]) {
        const data = noise(size).slice();
        await client.writeFile(path, data);
        assertEquals(equals(await Deno.readFile(path), data), true);
        assertEquals(equals(await client.readFile(path), data), true);
      }
      await Deno.truncate(path, 32 * MIB);
      assertEquals((await client.readFile(path)).length, 32 * MIB);
    }),
});

Deno.test({
  name: "text is written as UTF-8, and replaces the file's content",
  ...agent,
  fn: () =>
    withAgent(async (client, folder) => {
      const path = `${folder}/file`;
      await client.writeFile(path, "a longer text");
      await client.writeFile(path, "ünïcode");
      assertEquals(await Deno.readTextFile(path), "ünïcode");
    }),
});

Deno.test({
  name:
    "a file that cannot be opened, read or written rejects with the agent's error",
  ...agent,
  fn: () =>
    withAgent(async (client, folder) => {
      await assertRejects(
        () => client.readFile(`${folder}/none`),
        ExecuteError,
      );
      await assertRejects(() => client.readFile(folder), ExecuteError);
      await assertRejects(
        () => client.writeFile(`${folder}/none/file`, "x"),
        ExecuteError,
      );
      await assertRejects(
        () => client.writeFile("/dev/full", noise(MIB)),
        ExecuteError,
      );
      assertEquals(await client.execute("guest-ping"), {});
    }),
});

Deno.test({
  name: "a file without an end is refused beyond maxBytes",
  ...agent,
  fn: () =>
    withAgent(async (client) => {
      const error = await assertRejects(
        () => client.readFile("/dev/zero", { maxBytes: MIB }),
        RangeError,
      );
      assertEquals(
        error.message,
        'Cannot read "/dev/zero": it has more than 1048576 bytes, which is maxBytes',
      );
      await assertRejects(
        () => client.readFile("/dev/zero", { maxBytes: -1 }),
        RangeError,
        "maxBytes is -1",
      );
    }),
});

/** A result of guest-file-read: three bytes, and not the end of the file. */
const piece = { count: 3, "buf-b64": "AAAA", eof: false };

Deno.test("a file is closed after it was read, written, or an error occurred", async () => {
  const { client, agent } = await runningAgent();
  const read = client.readFile("/file");
  const open = await agent.answer(1000);
  assertEquals(open.arguments, { path: "/file", mode: "r" });
  await agent.answer(piece);
  await agent.answer({ ...piece, eof: true });
  const close = await agent.answer({});
  assertEquals(close, {
    execute: "guest-file-close",
    arguments: { handle: 1000 },
  });
  assertEquals(await read, new Uint8Array(6));

  const written = client.writeFile("/file", "abc");
  assertEquals((await agent.answer(1001)).arguments, {
    path: "/file",
    mode: "w",
  });
  const write = await agent.command();
  assertEquals(write.arguments, { handle: 1001, "buf-b64": btoa("abc") });
  await agent.say('{"error": {"class": "GenericError", "desc": "Full"}}\n');
  await assertRejects(() => written, ExecuteError, "Full");
  assertEquals((await agent.answer({})).arguments, { handle: 1001 });
  await client.disconnect();
  await agent.end();
});

Deno.test("an error in closing a file rejects its write", async () => {
  const { client, agent } = await runningAgent();
  const written = client.writeFile("/file", "");
  await agent.answer(1);
  await agent.command();
  await agent.say('{"error": {"class": "GenericError", "desc": "Disk"}}\n');
  await assertRejects(() => written, ExecuteError, "Disk");
  await client.disconnect();
  await agent.end();
});

for (const when of ["opened", "read"] as const) {
  Deno.test(`a read that is aborted while the file is ${when} rejects at once, and the file is closed`, async () => {
    const { client, agent } = await runningAgent();
    const signal = new WatchedSignal();
    const reason = new Error("Mine");
    const read = client.readFile("/file", { signal: signal.signal });
    if (when === "read") {
      await agent.answer(7);
      await agent.command();
    } else await agent.command();
    signal.abort(reason);
    assertStrictEquals(await rejection(read), reason);
    assertEquals(signal.listeners, 0);
    if (when === "opened") await agent.say('{"return": 7}\n');
    else await agent.synchronize();
    const close = await agent.answer({});
    assertEquals(close.execute, "guest-file-close");
    assertEquals(close.arguments, { handle: 7 });
    const ping = client.execute("guest-ping");
    await agent.answer({});
    await ping;
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("a session that ends rejects a read and a write", async () => {
  const { client, agent } = await runningAgent();
  const read = client.readFile("/file");
  const write = client.writeFile("/other", "x");
  await agent.command();
  await agent.end();
  await assertRejects(() => read, ExecInterruptedError);
  await assertRejects(() => write, ExecInterruptedError);
  await assertRejects(() => client.disconnect());
});

/** A hostile agent's results for a read or a write of three bytes. */
const badReads: [string, unknown][] = [
  ["not an object", "AAAA"],
  ["not base64", { ...piece, "buf-b64": "*" }],
  ["no byte without an end", { count: 0, "buf-b64": "", eof: false }],
  ["no data without an end", { count: 3, eof: false }],
];
const badWrites: [string, unknown][] = [
  ["not an object", 3],
  ["no count", {}],
  ["a count of 0", { count: 0, eof: false }],
  ["a count of more than was sent", { count: 4, eof: false }],
  ["a count that is not a number", { count: "3", eof: false }],
];

for (const [what, result] of badReads) {
  Deno.test(`a read that returns ${what} is refused, and the file closed`, async () => {
    const { client, agent } = await runningAgent();
    const read = client.readFile("/file");
    await agent.answer(7);
    await agent.answer(result);
    const error = await assertRejects(() => read, BadReplyError);
    assertLess(error.message.length, 100);
    assertEquals((await agent.answer({})).execute, "guest-file-close");
    await client.disconnect();
    await agent.end();
  });
}

for (const [what, result] of badWrites) {
  Deno.test(`a write that returns ${what} is refused, and the file closed`, async () => {
    const { client, agent } = await runningAgent();
    const write = client.writeFile("/file", "abc");
    await agent.answer(7);
    await agent.answer(result);
    await assertRejects(() => write, BadReplyError);
    assertEquals((await agent.answer({})).execute, "guest-file-close");
    await client.disconnect();
    await agent.end();
  });
}

Deno.test("a short write goes on where it stopped", async () => {
  const { client, agent } = await runningAgent();
  const write = client.writeFile("/file", "abc");
  await agent.answer(7);
  await agent.answer({ count: 1, eof: false });
  const rest = await agent.answer({ count: 2, eof: false });
  assertEquals(rest.arguments, { handle: 7, "buf-b64": btoa("bc") });
  await agent.answer({});
  await write;
  await client.disconnect();
  await agent.end();
});

Deno.test("data that is neither text nor bytes is refused before a file is opened", async () => {
  const { client, agent } = await runningAgent();
  await assertRejects(
    () => client.writeFile("/file", 5 as unknown as string),
    TypeError,
    "data is 5, expected a string or a Uint8Array",
  );
  assertEquals(client.stats.messagesSent, 1);
  await client.disconnect();
  await agent.end();
});

Deno.test("no log contains the content of a file, or the input and output of a program", async () => {
  const secret = btoa("hunter2");
  const texts: string[] = [];
  const show = (record: unknown) =>
    void texts.push(Deno.inspect(record, { depth: 9 }));
  await withLogSink("trace", show, async () => {
    const { client, agent } = await runningAgent();
    const read = client.readFile("/file");
    await agent.answer(7);
    await agent.answer({ count: 7, "buf-b64": secret, eof: true });
    await agent.answer({});
    await read;
    const write = client.writeFile("/file", "hunter2");
    await agent.answer(7);
    await agent.answer({ count: 7, eof: false });
    await agent.answer({});
    await write;
    const run = client.exec("chpasswd", { input: "hunter2" });
    await agent.answer({ pid: 7 });
    await agent.answer({ exited: true, "out-data": secret });
    await run;
    await client.disconnect();
    await agent.end();
  });
  const text = texts.join("\n");
  assertStringIncludes(text, "guest-file-write");
  assertStringIncludes(text, "<redacted>");
  assertFalse(text.includes(secret));
});
