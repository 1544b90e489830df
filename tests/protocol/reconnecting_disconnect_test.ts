import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { lines, Peer, reconnecting, StateError } from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import {
  atOnce,
  cutSessions,
  serveLines,
} from "../support/protocol/reconnected.ts";
import { failing } from "../support/transports/failing_transport.ts";
import { silent } from "../support/transports/silent_transport.ts";

Deno.test("a session that its user disconnects is the last", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  const connection = reconnecting(client, transport);
  await connection.connected();
  await client.disconnect();
  await connection.closed;
  await assertRejects(
    () => connection.connected(),
    StateError,
    "Peer is not connected again: it was disconnected",
  );
  assertEquals(client.runstate, "idle");
});

Deno.test("disconnect() while connecting, or within onConnect(), is the end", async () => {
  for (const when of ["connecting", "onConnect"]) {
    const transport = memory();
    await using _server = await serveLines(transport);
    const client = new Peer({ codec: lines });
    const connection = reconnecting(
      client,
      when === "onConnect" ? transport : silent,
      { onConnect: () => client.disconnect() },
    );
    await turns();
    if (when === "connecting") await client.disconnect();
    await connection.closed;
    assertEquals(client.runstate, "idle");
  }
});

Deno.test("disconnect() in a pause, after a failed attempt or a lost session, is the end", async () => {
  using time = new VirtualTime();
  for (const after of ["attempt", "session"]) {
    const transport = memory();
    await using server = await serveLines(transport);
    const to = after === "session" ? transport : failing(new Error("refused"));
    const client = new Peer({ codec: lines });
    const connection = reconnecting(client, to);
    if (after === "session") {
      await connection.connected();
      await cutSessions(server, client);
    }
    await turns();
    assertEquals([client.runstate, time.waiting > 0], ["idle", true]);
    await client.disconnect();
    await connection.closed;
    time.pass(60_000);
    await turns();
    assertEquals(client.runstate, "idle");
    await assertRejects(() => connection.connected(), StateError);
  }
});

/** Calls disconnect() at a certain moment of a session that is lost. */
const moments: Record<
  string,
  (client: Peer<string>, disconnect: () => void) => void
> = {
  "when its signal is aborted": (client, disconnect) =>
    client.signal.addEventListener("abort", disconnect),
  "when it is closed": ({ closed }, disconnect) => closed.catch(disconnect),
  "when the protocol is idle again": async (client, disconnect) => {
    for await (const state of client.runstates()) if (state === "idle") break;
    disconnect();
  },
};

for (const [moment, at] of Object.entries(moments)) {
  Deno.test(`disconnect() is the end after a session is lost: ${moment}`, async () => {
    using time = new VirtualTime();
    const transport = memory();
    await using server = await serveLines(transport);
    const client = new Peer({ codec: lines });
    const connection = reconnecting(client, transport);
    await connection.connected();
    const disconnected = Promise.withResolvers<unknown>();
    at(
      client,
      () => disconnected.resolve(Promise.allSettled([client.disconnect()])),
    );
    await cutSessions(server, client);
    await disconnected.promise;
    time.pass(60_000);
    await turns();
    assertEquals([client.runstate, time.waiting], ["idle", 0]);
    await connection.closed;
  });
}

Deno.test("disconnect() is the end while a session ends whose onConnect() has failed", async () => {
  using time = new VirtualTime();
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  const connection = reconnecting(client, transport, {
    onConnect: () => {
      client.signal.addEventListener("abort", () => client.disconnect());
      throw new Error("not ready");
    },
  });
  const { closed } = connection;
  await turns();
  time.pass(60_000);
  await turns();
  assertEquals([client.runstate, time.waiting], ["idle", 0]);
  await closed;
});

Deno.test("after disconnect(), a protocol can be connected by hand at once", async () => {
  const transport = memory();
  await using server = await serveLines(transport);
  for (const to of [transport, silent]) {
    const client = new Peer({ codec: lines });
    const connection = reconnecting(client, to, atOnce);
    await turns();
    const idle = (async () => {
      for await (const state of client.runstates()) {
        if (state === "idle") return await client.connect(transport);
      }
    })();
    await client.disconnect();
    await idle;
    await connection.closed;
    await turns();
    assertEquals(client.runstate, "running");
    await cutSessions(server, client);
    await rejection(client.disconnect());
  }
});

Deno.test("after disconnect() within an onConnect() that hangs, a session by hand is not waited for", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  const preparing = Promise.withResolvers<void>();
  const connection = reconnecting(client, transport, {
    onConnect: () => {
      preparing.resolve();
      return new Promise(() => {});
    },
  });
  await preparing.promise;
  await client.disconnect();
  await client.connect(transport);
  await connection.closed;
  assertEquals(client.runstate, "running");
  await client.disconnect();
});

Deno.test("disconnect() with a reason is a failure, and goes on to the next attempt", async () => {
  using time = new VirtualTime();
  const reason = new Error("a pong is missing");
  const transport = memory();
  await using _server = await serveLines(transport);
  const attempts = [silent, transport, transport];
  const client = new Peer({ codec: lines });
  await using _connection = reconnecting(client, {
    connect: (options) => (attempts.shift() ?? transport).connect(options),
    listen: () => transport.listen(),
  });
  const pause = () => {
    assertEquals([client.runstate, time.waiting], ["idle", 1]);
    time.pass(60_000);
  };
  for (const state of ["connecting", "idle", "running"]) {
    if (state === "running") pause();
    await turns();
    assertEquals(client.runstate, state);
    await client.disconnect({ reason });
    await turns();
  }
  pause();
  await turns();
  assertEquals([client.runstate, attempts.length], ["running", 0]);
});

Deno.test("disposing stops an attempt, and a pause", async () => {
  using time = new VirtualTime();
  for (const to of [silent, failing(new Error("refused"))]) {
    const client = new Peer({ codec: lines });
    const connection = reconnecting(client, to);
    const connected = rejection(connection.connected());
    await turns();
    await connection[Symbol.asyncDispose]();
    await connection.closed;
    assertInstanceOf(await connected, StateError);
    assertEquals([client.runstate, time.waiting], ["idle", 0]);
  }
});

Deno.test("an aborted connected() rejects with the reason, and keeps no listener", async () => {
  const watched = new WatchedSignal();
  const connection = reconnecting(new Peer({ codec: lines }), silent);
  const connected = connection.connected({ signal: watched.signal });
  watched.abort();
  assertStrictEquals(await rejection(connected), watched.signal.reason);
  assertEquals(watched.listeners, 0);
  await connection[Symbol.asyncDispose]();
});
