import { assertEquals, assertRejects } from "@std/assert";
import { ExecuteError, QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memory, type Transport } from "../../transports/mod.ts";
import { connected } from "../support/qmp/connected.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";

/** A server that relays the commands and events of another. */
async function relay(upstream: QMPClient): Promise<{
  transport: Transport;
  server: QMPServer;
}> {
  const server = new QMPServer({
    fallback: {
      oob: true,
      run: (args, { message }) =>
        message["exec-oob"] === undefined
          ? upstream.execute(message.execute ?? "", args)
          : upstream.execute(message["exec-oob"], args, { oob: true }),
    },
  });
  const transport = memory();
  server.serve(await transport.listen());
  return { transport, server };
}

Deno.test("a handler for all other commands gets those that are not listed", async () => {
  const seen: unknown[] = [];
  const transport = memory();
  await using server = new QMPServer({
    commands: { listed: () => "listed" },
    fallback: (args, { message }) => {
      seen.push([message.execute, args]);
      return "other";
    },
  });
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  assertEquals(await client.execute("listed"), "listed");
  assertEquals(await client.execute("x-other", { a: 1 }), "other");
  assertEquals(await client.execute("__proto__"), "other");
  assertEquals(seen, [["x-other", { a: 1 }], ["__proto__", {}]]);
  assertEquals(client.greeting?.QMP.capabilities, []);
});

Deno.test("an event has the given timestamp", async () => {
  const transport = memory();
  await using server = new QMPServer();
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  const timestamp = { seconds: -1, microseconds: -1 };
  await server.emit("STOP", undefined, { timestamp });
  assertEquals((await client.events.next("STOP")).timestamp, timestamp);
  const [session] = server.sessions;
  await session?.emit("JOB", { id: 1 }, {
    timestamp: { seconds: 5, microseconds: 6 },
  });
  assertEquals(await client.events.next("JOB"), {
    timestamp: { seconds: 5, microseconds: 6 },
    event: "JOB",
    data: { id: 1 },
  });
});

Deno.test({
  name:
    "a relay of a real QEMU answers and sends events as QEMU does, errors and out-of-band included",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using qemu = await startQemu();
    await using upstream = await connected(qemu);
    const { transport, server } = await relay(upstream);
    const told = (async () => {
      for await (const { event, data, timestamp } of upstream.events) {
        await server.emit(event, data, { timestamp });
      }
    })();
    const client = new QMPClient();
    await client.connect(transport);
    assertEquals(
      await client.execute("query-status"),
      await upstream.execute("query-status"),
    );
    const error = await assertRejects(
      () => client.execute("device_del", { id: "nic0" }),
      ExecuteError,
    );
    assertEquals(error.errorClass, "DeviceNotFound");
    assertEquals(error.description, "Device 'nic0' not found");
    const oob = await assertRejects(
      () => client.execute("migrate-pause", {}, { oob: true }),
      ExecuteError,
    );
    assertEquals(oob.errorClass, "GenericError");
    await client.execute("system_reset");
    const { event } = await client.events.next("RESET");
    assertEquals(event, "RESET");
    await client.disconnect();
    await server.close();
    await upstream.quit();
    await told;
  },
});
