import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { EndOfStreamError, StateError } from "../../protocol/mod.ts";
import { ExecInterruptedError, QMPClient } from "../../qmp/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { runningClient, Script } from "../support/qmp/qmp_script.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("a session greets, negotiates, executes and ends", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient({ name: "vm" });
  const states = recordRunstates(client);
  const server = await Script.over(far);
  const [, request] = await Promise.all([
    client.connect(near),
    server.shakeHands(),
  ]);
  assertEquals(request.execute, "qmp_capabilities");
  assertFalse("arguments" in request);
  assertEquals(client.greeting?.QMP.version.qemu.major, 7);

  const status = client.execute("query-status");
  const command = await server.command();
  assertEquals(command.execute, "query-status");
  assertFalse("arguments" in command);
  server.answer(command, { running: true });
  assertEquals(await status, { running: true });

  await client.disconnect();
  await server.end();
  assertEquals(await states.stop(), [
    "connecting",
    "running",
    "disconnecting",
    "idle",
  ]);
});

Deno.test("replies are routed by id, in whatever order they come", async () => {
  const { client, server } = await runningClient();
  const calls = ["a", "b", "c"].map((name) => client.execute(name));
  const commands = [];
  for (const _ of calls) commands.push(await server.command());
  assertEquals(commands.map((command) => command.execute), ["a", "b", "c"]);
  for (const command of commands.toReversed()) {
    server.answer(command, command.execute);
  }
  assertEquals(await Promise.all(calls), ["a", "b", "c"]);
  await client.disconnect();
  await server.end();
});

Deno.test("execute() rejects with a StateError while the session is not running", async () => {
  const [near, far] = memoryPair();
  const client = new QMPClient();
  const refuses = async (state: string) => {
    assertEquals(client.runstate, state);
    const error = await rejection(client.execute("stop"));
    assertInstanceOf(error, StateError);
    assertMatch(error.message, /^QMPClient is /);
    assertEquals([error.state, error.required], [state, "running"]);
  };
  await refuses("idle");
  const server = await Script.over(far);
  const connecting = client.connect(near);
  await turns();
  await refuses("connecting");
  await server.shakeHands();
  await connecting;
  await server.end();
  await client.closed.catch(() => {});
  await refuses("disconnecting");
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await refuses("idle");
});

Deno.test("an invalid option is refused by its name", () => {
  assertThrows(
    () => new QMPClient({ handshakeTimeout: -1 }),
    RangeError,
    "Cannot use the option: handshakeTimeout is -1",
  );
  assertThrows(
    () => new QMPClient({ handshakeTimeout: "5" as unknown as number }),
    TypeError,
    'Cannot use the option: handshakeTimeout is "5"',
  );
});

Deno.test("a client can be used again, and keeps nothing of the last session", async () => {
  const client = new QMPClient();
  for (let round = 0; round < 3; round++) {
    const [near, far] = memoryPair();
    const server = await Script.over(far);
    await Promise.all([client.connect(near), server.shakeHands()]);
    const call = client.execute("stop");
    const command = await server.command();
    await client.disconnect();
    await assertRejects(() => call, ExecInterruptedError);
    assertEquals(command.id, 2);
    await server.end();
  }
});

Deno.test("a client accepts a server that dials", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const client = new QMPClient();
  const accepted = client.accept(listener);
  const server = await Script.over(await transport.connect());
  await server.shakeHands();
  await accepted;
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});

Deno.test("keepAliveInterval asks a silent server for its version, whatever it answers", async () => {
  const { client, server } = await runningClient({ keepAliveInterval: 5 });
  for (let n = 0; n < 3; n++) {
    const command = await server.command();
    assertEquals(command.execute, "query-version");
    if (n === 1) server.refuse(command, "CommandNotFound", "No");
    else server.answer(command);
  }
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});
