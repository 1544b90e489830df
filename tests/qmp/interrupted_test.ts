import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { ExecInterruptedError, ExecuteError } from "../../qmp/mod.ts";
import { type Message, runningClient } from "../support/qmp_script.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";

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
  assertStrictEquals(await rejection(call), reason);
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
  assertStrictEquals(await rejection(call), reason);
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
  const errors = await Promise.all(calls.map(rejection));
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
