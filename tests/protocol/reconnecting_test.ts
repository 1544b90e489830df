import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  EndOfStreamError,
  lines,
  Peer,
  reconnecting,
  StateError,
} from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import {
  atOnce,
  cutSessions,
  serveLines,
} from "../support/protocol/reconnected.ts";
import { silent } from "../support/transports/silent_transport.ts";

Deno.test("a protocol is connected again when its peer ends the session, and prepared each time", async () => {
  const transport = memory();
  await using server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  let prepared = 0;
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: async () => {
      prepared++;
      await client.send("login");
    },
  });
  for (let n = 1; n <= 3; n++) {
    await connection.connected();
    assertEquals([client.runstate, prepared], ["running", n]);
    const [session] = server.sessions;
    assertEquals(await session?.receive(), "login");
    await cutSessions(server, client);
  }
});

Deno.test("a send between two sessions is told to wait for connected(), and after the last one to call connect()", async () => {
  const transport = memory();
  const client = new Peer({ codec: lines });
  const failed = Promise.withResolvers<void>();
  const connection = reconnecting(client, transport, {
    initialDelay: 30_000,
    isRetriable: () => {
      failed.resolve();
      return true;
    },
  });
  await failed.promise;
  await turns();
  const send = () => client.send("x");
  assertEquals(client.runstate, "idle");
  await assertRejects(
    send,
    StateError,
    "Peer is not connected: wait for connected() of its reconnection",
  );
  await connection[Symbol.asyncDispose]();
  await assertRejects(
    send,
    StateError,
    "Peer is not connected: call connect() or accept()",
  );
});

Deno.test("connected() waits for onConnect()", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  const gate = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  await using connection = reconnecting(client, transport, {
    onConnect: () => {
      called.resolve();
      return gate.promise;
    },
  });
  let connected = false;
  const waiting = connection.connected().then(() => connected = true);
  await called.promise;
  await turns();
  assertEquals(connected, false);
  gate.resolve();
  await waiting;
});

Deno.test("an onConnect() that fails ends the session, and is tried again", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  const failures = [new Error("not ready"), new Error("not ready yet")];
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: () => {
      const failure = failures.shift();
      if (failure) throw failure;
    },
  });
  await connection.connected();
  assertEquals(failures, []);
});

Deno.test("a client whose session ends while onConnect() waits is connected again", async () => {
  const transport = memory();
  await using server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  let calls = 0;
  const called = Promise.withResolvers<void>();
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: () => {
      called.resolve();
      return ++calls === 1 ? new Promise(() => {}) : undefined;
    },
  });
  await called.promise;
  await cutSessions(server, client);
  await connection.connected();
  assertEquals(calls, 2);
});

Deno.test("a peer that connects again is accepted again", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const server = new Peer({ codec: lines });
  await using connection = reconnecting(server, listener, atOnce);
  for (const line of ["one", "two"]) {
    await using client = new Peer({ codec: lines });
    await client.connect(transport);
    await client.send(line);
    await connection.connected();
    assertEquals(await server.receive(), line);
    await client.disconnect();
    await assertRejects(() => server.closed, EndOfStreamError);
  }
});

Deno.test("a protocol that is running already is connected again, too", async () => {
  const transport = memory();
  await using server = await serveLines(transport);
  const client = new Peer({ codec: lines });
  await client.connect(transport);
  await using connection = reconnecting(client, transport, atOnce);
  await connection.connected();
  assertEquals(server.sessions.size, 1);
  await cutSessions(server, client);
  await connection.connected();
});

Deno.test("a protocol that is connecting is refused, and left alone", async () => {
  const client = new Peer({ codec: lines });
  const aborting = new AbortController();
  const connecting = client.connect(silent, { signal: aborting.signal });
  assertThrows(() => reconnecting(client, memory()), StateError, "connecting");
  assertEquals(client.runstate, "connecting");
  aborting.abort();
  await rejection(connecting);
});

Deno.test("a protocol that reconnecting() keeps connected is refused, until it is disconnected", async () => {
  const transport = memory();
  await using _ends = await serveLines(transport);
  const client = new Peer({ codec: lines });
  await using running = reconnecting(client, transport, atOnce);
  await running.connected();
  const again = () => reconnecting(client, transport, atOnce);
  assertThrows(again, StateError, "already kept connected");
  await client.disconnect();
  await using other = again();
  await other.connected();
});
