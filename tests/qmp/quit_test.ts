import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EndOfStreamError, ProtocolError } from "../../protocol/mod.ts";
import {
  ExecInterruptedError,
  ExecuteError,
  QMPClient,
} from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { connected } from "../support/qmp/connected.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import {
  event,
  type Message,
  runningClient,
  Script,
} from "../support/qmp/qmp_script.ts";
import { overStreams, recordRunstates } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("after quit the server's end is orderly", async () => {
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

Deno.test("after quit a cut without a reply is orderly, too", async () => {
  const { client, server, remote } = await runningClient();
  const quitting = client.quit();
  await server.command();
  remote.abort();
  await quitting;
  await client.closed;
  await client.disconnect();
  await server.end();
});

Deno.test("after execute('quit') the server's end is orderly, even if the call has no reply", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("quit");
  await server.command();
  await server.end();
  await assertRejects(() => call, ExecInterruptedError);
  await client.closed;
  await client.disconnect();
});

Deno.test("if quit is refused, the server's end is not orderly", async () => {
  const { client, server } = await runningClient();
  const quitting = client.quit();
  server.refuse(await server.command(), "GenericError", "Not now");
  await assertRejects(() => quitting, ExecuteError, "Not now");
  await server.end();
  await assertRejects(() => client.closed, EndOfStreamError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("after SHUTDOWN the server's end is orderly", async () => {
  const { client, server } = await runningClient();
  const states = recordRunstates(client);
  server.send(event("SHUTDOWN", { guest: true, reason: "guest-shutdown" }));
  const call = client.execute("query-status");
  await server.command();
  await server.end();
  await assertRejects(() => call, ExecInterruptedError);
  await client.closed;
  await client.disconnect();
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
});

Deno.test("after SHUTDOWN a cut of the connection is orderly", async () => {
  const { client, server, remote } = await runningClient();
  server.send(event("SHUTDOWN", { guest: true, reason: "guest-reset" }));
  await client.events.next("SHUTDOWN");
  remote.abort();
  await client.closed;
  await client.disconnect();
  await server.end();
});

Deno.test("after SHUTDOWN a command that the server no longer reads does not make its end a failure", async () => {
  const [near, far] = memoryPair();
  const gone = Promise.withResolvers<void>();
  const writer = near.writable.getWriter();
  let refuses = false;
  const writable = new WritableStream<Uint8Array>({
    async write(bytes) {
      if (!refuses) return await writer.write(bytes);
      await gone.promise;
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
  });
  const client = new QMPClient();
  const server = await Script.over(far);
  await Promise.all([
    client.connect(overStreams(near, { writable })),
    server.shakeHands(),
  ]);
  refuses = true;
  server.send(event("SHUTDOWN", { guest: true, reason: "guest-shutdown" }));
  await client.events.next("SHUTDOWN");
  const quitting = client.quit();
  await server.end();
  await assertRejects(() => client.events.next("NONE"), EndOfStreamError);
  gone.resolve();
  await client.closed;
  await quitting;
  await client.disconnect();
});

for (const again of ["RESET", "RESUME"]) {
  Deno.test(`after SHUTDOWN and ${again} the server's end is not orderly`, async () => {
    const { client, server } = await runningClient();
    server.send(event("SHUTDOWN"), event("STOP"), event(again));
    await client.events.next(again);
    await server.end();
    await assertRejects(() => client.closed, EndOfStreamError);
    await assertRejects(() => client.disconnect(), EndOfStreamError);
  });
}

Deno.test("a SHUTDOWN of the previous session does not make an end orderly", async () => {
  const first = await runningClient();
  first.server.send(event("SHUTDOWN"));
  await first.server.end();
  await first.client.disconnect();
  const [near, far] = memoryPair();
  const server = await Script.over(far);
  await Promise.all([first.client.connect(near), server.shakeHands()]);
  await server.end();
  await assertRejects(() => first.client.disconnect(), EndOfStreamError);
});

for (const expected of ["quit", "SHUTDOWN"]) {
  Deno.test(`after ${expected}, bytes that are not a message are still an error`, async () => {
    const { client, server } = await runningClient();
    if (expected === "quit") client.execute("quit");
    else server.send(event("SHUTDOWN"));
    server.peer.send([] as unknown as Message);
    await assertRejects(() => client.closed, ProtocolError);
    await assertRejects(() => client.disconnect(), ProtocolError);
    await server.end();
  });
}

Deno.test({
  name: "a guest that is reset under -no-reboot ends its session in order",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    const args = ["-no-reboot"];
    await using server = await startQemu({ machine: true, args });
    await using client = await connected(server);
    await client.execute("system_reset");
    assertEquals(
      (await client.events.next("SHUTDOWN")).data?.reason,
      "host-qmp-system-reset",
    );
    await client.closed;
    await client.disconnect();
  },
});

Deno.test("quit() can be aborted while the server does not end", async () => {
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
