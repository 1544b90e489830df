import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  CallInterruptedError,
  CallTimeoutError,
  EndOfStreamError,
} from "../../protocol/mod.ts";
import { ExecInterruptedError, ExecuteError } from "../../qmp/mod.ts";
import {
  assertNextIsServed,
  type Message,
  runningClient,
} from "../support/qmp/qmp_script.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("an aborted call rejects with the reason, and its late reply is dropped", async () => {
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
  assertStrictEquals(await rejection(call), reason);
  assertEquals(signal.listeners, 0);
  server.answer(slow, "late");
  const next = client.execute("fast");
  server.answer(await server.command(), "in time");
  assertEquals(await next, "in time");
  await client.disconnect();
  await server.end();
});

Deno.test("a command with an aborted signal is not sent", async () => {
  const { client, server } = await runningClient();
  const reason = new Error("Enough");
  const call = client.execute("stop", {}, {
    signal: AbortSignal.abort(reason),
    onSent: () => assert(false),
  });
  assertStrictEquals(await rejection(call), reason);
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("a call removes its listener from the signal, however it ends", async () => {
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

Deno.test("a deadline rejects only its own call, and the error names the command and says that it was sent", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("slow", {}, { timeout: 20 });
  const slow = await server.command();
  const error = await assertRejects(() => call, CallTimeoutError);
  assertEquals(
    error.message,
    "Cannot execute slow, which may have run: no reply within 20 ms",
  );
  assertEquals([error.method, error.sent], ["slow", true]);
  server.answer(slow, "late");
  const next = client.execute("fast", {}, { timeout: 10_000 });
  server.answer(await server.command(), "in time");
  assertEquals(await next, "in time");
  await client.disconnect();
  await server.end();
});

Deno.test("an abort reason that is an error of a call is thrown as it is", async () => {
  const { client, server } = await runningClient();
  for (
    const reason of [new CallTimeoutError("x"), new CallInterruptedError("y")]
  ) {
    const aborting = new AbortController();
    const call = client.execute("slow", {}, {
      signal: aborting.signal,
      timeout: 60_000,
    });
    aborting.abort(reason);
    assertStrictEquals(await rejection(call), reason);
  }
  await client.disconnect();
  await server.end();
});

Deno.test("a deadline of a command that waits for its turn says that it was never sent", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const calls = Array.from({ length: 7 }, () => client.execute("first"));
  const error = await assertRejects(
    () => client.execute("waits", {}, { timeout: 20 }),
    CallTimeoutError,
  );
  assertEquals(
    error.message,
    "Cannot execute waits, which was never sent: no reply within 20 ms",
  );
  assertEquals(error.sent, false);
  for (const _ of calls) server.answer(await server.command());
  await Promise.all(calls);
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});

Deno.test("an invalid timeout is refused, and Infinity means no deadline", async () => {
  const { client, server } = await runningClient();
  for (const timeout of [-1, NaN]) {
    await assertRejects(
      () => client.execute("stop", {}, { timeout }),
      RangeError,
      `timeout is ${timeout}`,
    );
  }
  const call = client.execute("stop", {}, { timeout: Infinity });
  server.answer(await server.command(), 1);
  assertEquals(await call, 1);
  await client.disconnect();
  await server.end();
});

Deno.test("an aborted command is never sent, even if its turn comes at that moment", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const aborting = new AbortController();
  const first = Array.from(
    { length: 7 },
    () => client.execute("first").then(() => aborting.abort("Mine")),
  );
  const waiting = Array.from(
    { length: 3 },
    () => client.execute("waits", {}, { signal: aborting.signal }),
  );
  const reasons = Promise.all(waiting.map((call) => call.catch((e) => e)));
  const commands = [];
  for (const _ of first) commands.push(await server.command());
  const [one, two] = commands;
  if (!one || !two) throw new Error("No commands");
  server.answer(one);
  const next = await server.command(); // Its turn came before the abort.
  assertEquals(next.execute, "waits");
  server.answer(two);
  assertEquals(await reasons, ["Mine", "Mine", "Mine"]);
  for (const command of commands.slice(2)) server.answer(command);
  await Promise.all(first);
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("10,000 commands that are aborted while they wait leave nothing: the next one is served", async () => {
  const { client, server } = await runningClient({ capabilities: ["oob"] });
  const first = Array.from({ length: 7 }, () => client.execute("first"));
  const ids = new Set<unknown>();
  for (let n = 0; n < 10_000; n++) {
    const aborting = new AbortController();
    const { signal } = aborting;
    const id = "same";
    const message = { execute: "waits", id };
    const call = client.executeMessage(message, { signal });
    aborting.abort("Mine");
    assertEquals(await call.catch((reason) => reason), "Mine");
  }
  for (const _ of first) {
    const command = await server.command();
    ids.add(command.id);
    server.answer(command);
  }
  await Promise.all(first);
  assertEquals(ids.size, 7);
  const last = client.executeMessage({ execute: "last", id: "same" });
  server.answer(await server.command(), 1);
  assertEquals(await last, 1);
  await client.disconnect();
  await server.end();
});

Deno.test("the end of the session rejects every call with its first cause", async () => {
  const { client, server } = await runningClient();
  const calls = Array.from({ length: 100 }, () => client.execute("slow"));
  await turns();
  await server.end();
  const errors = await Promise.all(calls.map(rejection));
  for (const error of errors) {
    assertInstanceOf(error, ExecInterruptedError);
    assertInstanceOf(error, CallInterruptedError);
    assertEquals(error.method, "slow");
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
