import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { ExecInterruptedError, QMPClient } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import {
  type Message,
  runningClient,
  Script,
} from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("out-of-band is enabled if it is offered, and sent as exec-oob", async () => {
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

Deno.test("with out-of-band, fewer than 8 commands are on the wire, and an out-of-band command gets through", async () => {
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

Deno.test("without out-of-band, commands are sent at once", async () => {
  const { client, server } = await runningClient();
  const calls = Array.from({ length: 20 }, () => client.execute("c"));
  const commands = [];
  for (const _ of calls) commands.push(await server.command());
  for (const command of commands) server.answer(command);
  await Promise.all(calls);
  await client.disconnect();
  await server.end();
});

Deno.test("a command that waits for its turn is not affected by later changes of its arguments", async () => {
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

Deno.test("at the end of the session, errors say which commands were sent", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 100 }, () => client.execute("slow"));
  await turns();
  await server.end();
  const errors = await Promise.all(calls.map(rejection));
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

Deno.test("an error of onSent rejects only its own call", async () => {
  const { client, server } = await runningClient();
  const error = new Error("Mine");
  const onSent = () => {
    throw error;
  };
  const call = client.execute("stop", {}, { onSent });
  assertStrictEquals(await rejection(call), error);
  server.answer(await server.command());
  const next = client.execute("cont");
  server.answer(await server.command(), 1);
  assertEquals(await next, 1);
  await client.disconnect();
  await server.end();
});
