import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { atOnce, cutSessions } from "../support/protocol/reconnected.ts";
import { failing } from "../support/transports/failing_transport.ts";
import { serveStopping } from "../support/qmp/stopping_server.ts";
import {
  ConnectError,
  EndOfStreamError,
  StateError,
} from "../../protocol/mod.ts";
import {
  ExecInterruptedError,
  QMPClient,
  reconnecting,
} from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { Script } from "../support/qmp/qmp_script.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";

Deno.test("reconnecting() connects a client, and again when its session is lost", async () => {
  const transport = memory();
  await using server = await serveStopping(transport);
  const client = new QMPClient();
  const states = recordRunstates(client);
  {
    await using connection = reconnecting(client, transport, atOnce);
    for (let session = 0; session < 3; session++) {
      await connection.connected();
      assertEquals(client.greeting?.QMP.version.package, "Parley");
      assertEquals(await client.execute("stop"), {});
      await cutSessions(server, client);
      await turns();
    }
    await connection.connected();
  }
  const once = ["connecting", "running", "disconnecting", "idle"];
  assertEquals(await states.stop(), [...once, ...once, ...once, ...once]);
});

Deno.test("a client that is running already is connected again, too", async () => {
  const transport = memory();
  await using server = await serveStopping(transport);
  const client = new QMPClient();
  await client.connect(transport);
  const session = client.signal;
  await using connection = reconnecting(client, transport, atOnce);
  const stops = connection.listen("STOP");
  await client.execute("stop");
  await stops.next();
  assertStrictEquals(client.signal, session);
  await cutSessions(server, client);
  await turns();
  await connection.connected();
  await client.execute("stop");
  await stops.next();
});

Deno.test("a command that is pending when the session is lost is rejected, not repeated", async () => {
  const transport = memory();
  await using server = await serveStopping(transport);
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, atOnce);
  await connection.connected();
  const hanging = assertRejects(
    () => client.execute("hang"),
    ExecInterruptedError,
  );
  await turns();
  await cutSessions(server, client);
  assert((await hanging).sent);
  await turns();
  await connection.connected();
  assertEquals(await client.execute("stop"), {});
});

Deno.test("connected() waits for the next session as soon as a command is interrupted", async () => {
  const transport = memory();
  await using server = await serveStopping(transport);
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, atOnce);
  for (let session = 0; session < 3; session++) {
    await connection.connected();
    const hanging = assertRejects(
      () => client.execute("hang"),
      ExecInterruptedError,
    );
    const ended = Array.from(server.sessions, (one) => one.disconnect());
    await hanging;
    await connection.connected();
    assertEquals(await client.execute("stop"), {});
    await Promise.all(ended);
  }
});

Deno.test("a missing permission is not retried", async () => {
  const client = new QMPClient();
  const denied = Object.assign(new Error("No"), { name: "NotCapable" });
  const transport = failing(denied);
  await using connection = reconnecting(client, transport, atOnce);
  const error = await assertRejects(() => connection.closed, ConnectError);
  assertStrictEquals(error.cause, denied);
  assertEquals(transport.attempts, 1);
});

Deno.test("an aborted connected() leaves no listener on the signal", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, atOnce);
  const aborted = new WatchedSignal();
  const waiting = connection.connected({ signal: aborted.signal });
  aborted.abort("Mine");
  assertEquals(await waiting.catch((reason) => reason), "Mine");
  const watched = new WatchedSignal();
  const connected = connection.connected({ signal: watched.signal });
  const server = await Script.over(await listener.accept());
  await server.shakeHands();
  await connected;
  assertEquals([aborted.listeners, watched.listeners], [0, 0]);
  await client.disconnect();
  await server.end();
  await listener.close();
});

Deno.test("a closed listener is not retried", async () => {
  const listener = await memory().listen();
  await using connection = reconnecting(new QMPClient(), listener, atOnce);
  const rejected = assertRejects(() => connection.connected(), ConnectError);
  await listener.close();
  assertEquals(
    (await rejected).message,
    "Failed to establish connection: " +
      "Accept at memory:anonymous: the listener is closed",
  );
  await assertRejects(() => connection.closed, ConnectError);
});

Deno.test("with a listener, the server can dial again, and the listener stays open", async () => {
  const transport = memory();
  const listener = await transport.listen();
  {
    const client = new QMPClient();
    await using connection = reconnecting(client, listener, atOnce);
    for (let dial = 0; dial < 2; dial++) {
      const server = await Script.over(await transport.connect());
      await server.shakeHands();
      await connection.connected();
      const { closed } = client;
      await server.end();
      await assertRejects(() => closed, EndOfStreamError);
      await turns();
    }
  }
  const [near, far] = await Promise.all([
    listener.accept(),
    transport.connect(),
  ]);
  await Promise.all([near.close(), far.close()]);
  await listener.close();
});

Deno.test("a client that is neither idle nor running is refused", async () => {
  const transport = memory();
  await using _silent = await transport.listen();
  const client = new QMPClient();
  const aborter = new AbortController();
  const connecting = client.connect(transport, aborter);
  const error = assertThrows(
    () => reconnecting(client, transport),
    StateError,
  );
  assertEquals(
    error.message,
    "Cannot reconnect: QMPClient is connecting: it must be idle or running",
  );
  aborter.abort("Enough");
  assertEquals(await connecting.catch((reason) => reason), "Enough");
});

Deno.test("an invalid policy is refused by its option's name and value", () => {
  const policies: [object, string][] = [
    [{ initialDelay: -1 }, "initialDelay is -1"],
    [{ initialDelay: 2, maxDelay: 1 }, "initialDelay is 2"],
    [{ initialDelay: 0, maxDelay: 0 }, "maxDelay is 0"],
    [{ maxDelay: Infinity }, "maxDelay is Infinity"],
    [{ maxAttempts: 0 }, "maxAttempts is 0"],
    [{ maxAttempts: 1.5 }, "maxAttempts is 1.5"],
  ];
  for (const [policy, message] of policies) {
    const error = assertThrows(
      () => reconnecting(new QMPClient(), memory(), policy),
      RangeError,
    );
    assertStringIncludes(
      error.message,
      `Cannot use the option: ${message}: it must be`,
    );
  }
});
