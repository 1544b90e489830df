import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { ExecInterruptedError, ExecuteError } from "../../qmp/mod.ts";
import { runningClient } from "../support/qmp_script.ts";
import { recordRunstates } from "../support/session.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("fact 9: after quit the server's end is an orderly end", async () => {
  const { client, server } = await runningClient();
  const states = recordRunstates(client);
  const quitting = client.quit();
  server.answer(await server.command());
  await server.end();
  await quitting;
  await client.closed;
  await client.disconnect();
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
});

Deno.test("fact 9: after quit a cut without a reply is an orderly end, too", async () => {
  const { client, server, remote } = await runningClient();
  const quitting = client.quit();
  await server.command();
  remote.abort();
  await quitting;
  await client.closed;
  await client.disconnect();
  await server.end();
});

Deno.test("after execute('quit') the server's end is orderly, though the call has no reply", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("quit");
  await server.command();
  await server.end();
  await assertRejects(() => call, ExecInterruptedError);
  await client.closed;
  await client.disconnect();
});

Deno.test("where quit is refused, the server's end is no orderly one", async () => {
  const { client, server } = await runningClient();
  const quitting = client.quit();
  server.refuse(await server.command(), "GenericError", "Not now");
  await assertRejects(() => quitting, ExecuteError, "Not now");
  await server.end();
  await assertRejects(() => client.closed, EndOfStreamError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("quit() can be aborted while the server takes its time to end", async () => {
  const { client, server } = await runningClient();
  const signal = new WatchedSignal();
  const quitting = client.quit({ signal: signal.signal });
  server.answer(await server.command());
  await turns();
  const reason = new Error("Enough");
  signal.abort(reason);
  assertStrictEquals(await rejection(quitting), reason);
  assertEquals(signal.listeners, 0);
  await client.disconnect();
  await server.end();
});
