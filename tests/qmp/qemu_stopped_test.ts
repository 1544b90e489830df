import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { ConnectError } from "../../protocol/mod.ts";
import {
  ExecInterruptedError,
  ExecuteError,
  GreetingError,
  NegotiationError,
  QMPClient,
} from "../../qmp/mod.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { overStreams, recordRunstates } from "../support/protocol/session.ts";
import { connected } from "../support/qmp/connected.ts";

const qemu = needs("qemu-system-x86_64");

Deno.test({
  name: "after quit the end is orderly, even if QEMU is killed meanwhile",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const client = await connected(server);
    server.process.kill("SIGSTOP");
    const quitting = client.quit();
    server.process.kill("SIGKILL");
    await quitting;
    await client.closed;
    await client.disconnect();
  },
});

Deno.test({
  name: "a second client gets no greeting, and the error names the phase",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using first = await connected(server);
    const second = new QMPClient({ handshakeTimeout: 100 });
    const states = recordRunstates(second);
    const error = await assertRejects(
      () => second.connect(server.transport),
      ConnectError,
      "Failed to establish session: Cannot get greeting from the server: " +
        "nothing came for 100 ms",
    );
    assertInstanceOf(error.cause, GreetingError);
    assertEquals(await states.stop(), ["connecting", "disconnecting", "idle"]);
    assertEquals(await first.execute("query-name"), {});
  },
});

Deno.test({
  name: "negotiation with a QEMU that stops after its greeting fails in time",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const connection = await server.transport.connect();
    const reader = connection.readable.getReader();
    const greeting = await reader.read();
    reader.releaseLock();
    server.process.kill("SIGSTOP");
    // The greeting once more, and then nothing, as from a stopped server.
    const readable = new ReadableStream<Uint8Array>({
      type: "bytes",
      start: (controller) => {
        assert(greeting.value);
        controller.enqueue(greeting.value);
      },
    });
    const client = new QMPClient({ handshakeTimeout: 100 });
    const error = await assertRejects(
      () => client.connect(overStreams(connection, { readable })),
      ConnectError,
    );
    assertInstanceOf(error.cause, NegotiationError);
    assertStringIncludes(error.message, "Cannot get reply to qmp_capabilities");
    assertEquals(client.runstate, "idle");
  },
});

Deno.test({
  name:
    "a stopped QEMU, with megabytes queued for it, does not hang disconnect()",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const client = await connected(server, { closeTimeout: 100 });
    server.process.kill("SIGSTOP");
    const call = client.execute("qom-get", {
      path: "x".repeat(4 * 1024 * 1024),
      property: "x",
    });
    const error = await assertRejects(() => client.disconnect());
    assertInstanceOf(error, Error);
    assertEquals(error.name, "FlushTimeoutError");
    await assertRejects(() => call, ExecInterruptedError);
    assertEquals(client.runstate, "idle");
  },
});

Deno.test({
  name: "a command to a stopped QEMU can be aborted, and the session goes on",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    server.process.kill("SIGSTOP");
    const aborting = new AbortController();
    const call = client.execute("query-name", {}, { signal: aborting.signal });
    aborting.abort();
    await assertRejects(() => call, DOMException);
    server.process.kill("SIGCONT");
    assertEquals(await client.execute("query-name"), {});
  },
});

Deno.test({
  name: "a QEMU that is stopped within a command answers it when it continues",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    server.process.kill("SIGSTOP");
    const sent = Promise.withResolvers<void>();
    const length = 512 * 1024; // more than a socket holds
    const call = client.execute("qom-get", {
      path: "x".repeat(length),
      property: "x",
    }, { onSent: sent.resolve });
    const refused = assertRejects(() => call, ExecuteError);
    await sent.promise;
    assertLess(client.stats.bytesSent, length);
    assertGreater(client.stats.queuedBytes, 0);
    server.process.kill("SIGCONT");
    assertEquals((await refused).errorClass, "DeviceNotFound");
    assertEquals(await client.execute("query-name"), {});
  },
});

Deno.test({
  name:
    "when QEMU is killed, 100 pending commands reject with the same first cause",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const client = await connected(server);
    server.process.kill("SIGSTOP");
    const calls = Array.from(
      { length: 100 },
      () => client.execute("query-name"),
    );
    server.process.kill("SIGKILL");
    const outcomes = await Promise.allSettled(calls);
    const errors = outcomes.map((outcome) =>
      outcome.status === "rejected" ? outcome.reason : outcome.value
    );
    for (const error of errors) {
      assertInstanceOf(error, ExecInterruptedError);
      assertStrictEquals(error.cause, client.signal.reason);
    }
    assertEquals(errors.filter((error) => error.sent).length, 7);
    await assertRejects(() => client.disconnect());
  },
});
