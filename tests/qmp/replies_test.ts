import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  DecodeError,
  MessageTooLargeError,
  ProtocolError,
} from "../../protocol/mod.ts";
import {
  BadReplyError,
  ExecInterruptedError,
  ExecuteError,
  ServerParseError,
} from "../../qmp/mod.ts";
import {
  assertNextIsServed,
  bareClient,
  runningClient,
} from "../support/qmp/qmp_script.ts";
import { logged, textOf } from "../support/protocol/logged.ts";
import { write } from "../support/protocol/session.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("an error of the server rejects with an ExecuteError that has all its members", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("device_del", { id: "nic" });
  const command = await server.command();
  server.refuse(command, "DeviceNotFound", "Device 'nic' not found");
  const error = await rejection(call);
  assertInstanceOf(error, ExecuteError);
  assertEquals(
    error.message,
    "Cannot execute device_del: Device 'nic' not found (DeviceNotFound)",
  );
  assertEquals(error.errorClass, "DeviceNotFound");
  assertEquals(error.description, "Device 'nic' not found");
  assertEquals(error.sent, command);
  assertEquals(error.received.id, command.id);
  assertEquals(client.runstate, "running");
  await client.disconnect();
  await server.end();
});

for (
  const bad of [
    {},
    { error: "no" },
    { error: null },
    { error: { class: "GenericError" } },
    { error: { desc: "No class" } },
  ]
) {
  Deno.test(`a reply of ${JSON.stringify(bad)} rejects with a BadReplyError, and the session goes on`, async () => {
    const { client, server } = await runningClient();
    const call = client.execute("query-status");
    const { id } = await server.command();
    server.send({ ...bad, id });
    const error = await rejection(call);
    assertInstanceOf(error, BadReplyError);
    assertEquals(error.sent.execute, "query-status");
    assertEquals(error.received, { ...bad, id });
    await assertNextIsServed(client, server);
    await client.disconnect();
    await server.end();
  });
}

Deno.test("a reply with an unknown id is dropped with a warning, a late reply silently", async () => {
  const records = await logged("warning", async () => {
    const { client, server } = await runningClient();
    const aborting = new AbortController();
    const { signal } = aborting;
    const call = client.execute("slow", {}, { signal });
    const slow = await server.command();
    aborting.abort();
    await assertRejects(() => call, DOMException);
    server.answer(slow, "late");
    server.send({ return: 1, id: "unknown" }, { return: 1 });
    await assertNextIsServed(client, server);
    await client.disconnect();
    await server.end();
  });
  const warnings = records.map(textOf);
  assertEquals(warnings.length, 2);
  for (const warning of warnings) {
    assertStringIncludes(warning, "Dropped a reply to no command");
  }
});

Deno.test("an error without an id ends the session with a ServerParseError", async () => {
  const { client, server } = await runningClient();
  const call = client.execute("stop");
  await server.command();
  const received = {
    error: { class: "GenericError", desc: "JSON parse error" },
  };
  server.send(received);
  const error = await rejection(client.closed);
  assertInstanceOf(error, ServerParseError);
  assertEquals(error.received, received);
  assertStringIncludes(error.message, "JSON parse error");
  const interrupted = await rejection(call);
  assertInstanceOf(interrupted, ExecInterruptedError);
  assertStrictEquals(interrupted.cause, error);
  await assertRejects(() => client.disconnect(), ServerParseError);
  await server.end();
});

Deno.test("a message that is not a JSON object ends the session", async () => {
  for (const message of ["[]", "1 ", '"text"', "null "]) {
    const { client, server } = await runningClient();
    server.peer.send(JSON.parse(message));
    const error = await rejection(client.closed);
    assertInstanceOf(error, ProtocolError);
    assertStringIncludes(error.message, "Message is not a JSON object");
    await assertRejects(() => client.disconnect(), ProtocolError);
    await server.end();
  }
});

for (
  const [what, bytes, Failure] of [
    ["bad UTF-8", [0x22, 0xc3, 0x28, 0x22], DecodeError],
    ["a byte of 0xFF", [0xff], DecodeError],
    ["no JSON", [...new TextEncoder().encode('{"a":}')], DecodeError],
  ] as const
) {
  Deno.test(`${what} ends the session with a ${Failure.name}`, async () => {
    const { client, far } = await bareClient();
    await write(far, Uint8Array.from(bytes));
    await assertRejects(() => client.closed, Failure);
    await assertRejects(() => client.disconnect(), Failure);
    await far.close();
  });
}

Deno.test("a reply of 64 MiB needs a larger limit than 10 MiB", async () => {
  const big = "x".repeat(64 * 1024 * 1024);
  for (const maxMessageBytes of [undefined, 65 * 1024 * 1024]) {
    const { client, server } = await runningClient({ maxMessageBytes });
    const call = client.execute("read");
    server.answer(await server.command(), big);
    if (maxMessageBytes) {
      assert(await call === big);
      await client.disconnect();
    } else {
      const error = await assertRejects(() => call, ExecInterruptedError);
      assertInstanceOf(error.cause, MessageTooLargeError);
      assertStringIncludes(error.message, "maxMessageBytes is 10485760");
      await assertRejects(() => client.disconnect(), MessageTooLargeError);
    }
    await server.end();
  }
});
