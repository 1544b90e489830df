import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { atOnce } from "../support/protocol/reconnected.ts";
import { failing } from "../support/transports/failing_transport.ts";
import { serveStopping } from "../support/qmp/stopping_server.ts";
import {
  ConnectError,
  EndOfStreamError,
  StateError,
} from "../../protocol/mod.ts";
import { QMPClient, reconnecting } from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import { event, Script } from "../support/qmp/qmp_script.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";

const ends = {
  quit: "its session has ended in order",
  disconnect: "it was disconnected",
};

for (const end of ["quit", "disconnect"] as const) {
  Deno.test(`a session that ends in order, by ${end}(), is the last`, async () => {
    const transport = memory();
    await using _server = await serveStopping(transport);
    const client = new QMPClient();
    await using connection = reconnecting(client, transport, atOnce);
    const listener = connection.listen();
    await connection.connected();
    await client[end]();
    await connection.closed;
    assertEquals(await Array.fromAsync(listener), []);
    assertEquals(await Array.fromAsync(connection.listen()), []);
    const error = await assertRejects(
      () => connection.connected(),
      StateError,
    );
    assertEquals(
      error.message,
      `QMPClient is not connected again: ${ends[end]}`,
    );
  });
}

Deno.test("a session that ends after SHUTDOWN is the last", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, atOnce);
  const events = connection.listen();
  const server = await Script.over(await listener.accept());
  await server.shakeHands();
  server.send(event("SHUTDOWN"));
  await server.end();
  await connection.closed;
  assertEquals((await Array.fromAsync(events)).length, 1);
  await listener.close();
});

Deno.test("with afterShutdown, a client is connected again after SHUTDOWN, but not after quit() or disconnect()", async () => {
  for (const end of ["quit", "disconnect"] as const) {
    const transport = memory();
    const listener = await transport.listen();
    const client = new QMPClient();
    const states = recordRunstates(client);
    await using connection = reconnecting(client, transport, {
      ...atOnce,
      afterShutdown: true,
    });
    const events = connection.listen();
    let server = await Script.over(await listener.accept());
    for (let session = 0; session < 2; session++) {
      await server.shakeHands();
      server.send(event("SHUTDOWN"));
      await server.end();
      server = await Script.over(await listener.accept());
    }
    await server.shakeHands();
    await connection.connected();
    server.send(event("SHUTDOWN"));
    await client.events.next("SHUTDOWN");
    const ended = client[end]();
    if (end === "quit") server.answer(await server.command());
    await server.end();
    await ended;
    await connection.closed;
    assertEquals((await Array.fromAsync(events)).length, 3);
    const once = ["connecting", "running", "disconnecting", "idle"];
    const all = [...once, ...once, ...once];
    await client.disconnect();
    const seen = await states.stop();
    assertEquals(seen.slice(0, 11), all.slice(0, 11));
    await listener.close();
  }
});

Deno.test("after maxAttempts, connected() rejects with the error of the last attempt", async () => {
  const transport = failing(new Error("Nobody there"));
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    maxAttempts: 3,
  });
  const listener = connection.listen();
  const error = await assertRejects(
    () => connection.connected(),
    ConnectError,
  );
  assertEquals(error.message, "Failed to establish connection: Nobody there");
  assertStrictEquals(
    await connection.closed.catch((reason) => reason),
    error,
  );
  assertEquals(transport.attempts, 3);
  const ended = await assertRejects(() => listener.next(), EndOfStreamError);
  assertStrictEquals(ended.cause, error);
  assertEquals(client.runstate, "idle");
});

Deno.test("a reconnection that is disposed of while it pauses or connects stops at once", async () => {
  const pausing = reconnecting(
    new QMPClient(),
    failing(new Error("Nobody there")),
    {
      initialDelay: 1e6,
      maxDelay: 1e6,
    },
  );
  await turns();
  await pausing[Symbol.asyncDispose]();
  await pausing.closed;

  const transport = memory();
  await using _silent = await transport.listen();
  const client = new QMPClient();
  const connecting = reconnecting(client, transport);
  await turns();
  assertEquals(client.runstate, "connecting");
  await connecting[Symbol.asyncDispose]();
  await connecting.closed;
  assertEquals(client.runstate, "idle");
});
