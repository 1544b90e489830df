import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLess,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { retry } from "@std/async";
import { ExecuteError, NegotiationError, QMPClient } from "../../qmp/mod.ts";
import { tcp, unix } from "../../transports/mod.ts";
import {
  needs,
  startQemu,
  startQemuDialling,
  startStorageDaemon,
} from "../support/servers/qemu.ts";
import { RealProcess } from "../support/servers/real_process.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { connected } from "../support/qmp/connected.ts";

const qemu = needs("qemu-system-x86_64");

const storageDaemon = needs("qemu-storage-daemon");

/** A whole session with QEMU: a command, an error, an event, and quit. */
async function talk(client: QMPClient): Promise<void> {
  assertNotEquals(client.greeting, undefined);
  const version = await client.execute("query-version");
  assertEquals(version, client.greeting?.QMP.version);
  const error = await assertRejects(
    () => client.execute("no-such-command"),
    ExecuteError,
  );
  assertEquals(error.errorClass, "CommandNotFound");
  await client.execute("cont");
  assertEquals((await client.events.next("RESUME")).event, "RESUME");
  await client.execute("stop");
  assertEquals((await client.events.next("STOP")).event, "STOP");
  await client.quit();
  await client.closed;
  await client.disconnect();
}

const monitors = ["unix", "pretty", "tcp", "tls", "mutual-tls"] as const;

for (const monitor of monitors) {
  Deno.test({
    name: `a session with QEMU goes from its greeting to its quit: ${monitor}`,
    ...needs("qemu-system-x86_64", "certtool", "openssl"),
    fn: async () => {
      await using server = await startQemu({ monitor });
      const client = new QMPClient();
      const states = recordRunstates(client);
      await client.connect(server.transport);
      await talk(client);
      assertEquals(await states.stop(), [
        "connecting",
        "running",
        "disconnecting",
        "idle",
      ]);
      assert((await server.process.status).success);
    },
  });
}

Deno.test({
  name: "a client accepts a QEMU that dials",
  ...qemu,
  fn: async () => {
    await using listener = await tcp({ port: 0 }).listen();
    await using _process = await startQemuDialling(listener.address);
    const client = new QMPClient();
    await client.accept(listener);
    await talk(client);
  },
});

Deno.test({
  name: "a session with qemu-storage-daemon goes from its greeting to its quit",
  ...storageDaemon,
  fn: async () => {
    await using server = await startStorageDaemon();
    const client = await connected(server);
    const version = await client.execute("query-version");
    assertEquals(version, client.greeting?.QMP.version);
    await client.quit();
    await client.closed;
    await client.disconnect();
    assert((await server.process.status).success);
  },
});

Deno.test({
  name: "over TCP, quit gets its reply and an orderly end, 60 of 60 times",
  ...qemu,
  fn: async () => {
    for (let time = 0; time < 60; time++) {
      await using server = await startQemu({ monitor: "tcp" });
      const client = await connected(server);
      assertEquals(await client.execute("quit"), {});
      await client.closed;
      await client.disconnect();
    }
  },
});

Deno.test({
  name: "over TLS, 100 commands one at a time are answered without a stall",
  ...needs("qemu-system-x86_64", "certtool", "openssl"),
  fn: async () => {
    await using server = await startQemu({ monitor: "tls" });
    await using client = await connected(server);
    for (let time = 0; time < 100; time++) {
      assertEquals(await client.execute("query-name"), {});
    }
  },
});

Deno.test({
  name:
    "with retries, 1,000 starts of a server that does not wait for its client succeed",
  ...storageDaemon,
  fn: async () => {
    let retried = 0;
    let crashed = 0;
    for (let time = 0; time < 1_000; time++) {
      await using process = await RealProcess.start({
        program: "qemu-storage-daemon",
        args: (folder) => [
          "--chardev",
          `socket,id=m,path=${folder}/socket,server=on,wait=off`,
          "--monitor",
          "chardev=m",
        ],
      });
      const transport = unix({ path: `${process.folder}/socket` });
      let ended = false;
      process.status.then(() => ended = true);
      // Nothing signals when it listens. Early bytes may be lost or cut,
      // and once in thousands of times it even crashes.
      await retry(async () => {
        if (ended) {
          crashed++;
          return;
        }
        await using client = new QMPClient({ handshakeTimeout: 1000 });
        await client.connect(transport).catch((error) => {
          if (error.cause instanceof NegotiationError) retried++;
          throw error;
        });
        const signal = AbortSignal.timeout(1000);
        assertEquals(await client.execute("query-jobs", {}, { signal }), []);
      }, { minTimeout: 1, maxTimeout: 10, maxAttempts: 1000 });
    }
    console.log(
      `1,000 starts: ${retried} negotiations tried again, ${crashed} crashes of the server`,
    );
    // How often QEMU crashes is not ours; all that ran have answered.
    assertLess(crashed, 50);
  },
});

Deno.test({
  name: "a reply over many lines is one reply",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ monitor: "pretty" });
    await using client = await connected(server);
    const commands = await client.execute("query-commands");
    assert(Array.isArray(commands) && commands.length > 50);
    // More than one line: more bytes than a compact text has.
    assertLess(JSON.stringify(commands).length, client.stats.bytesReceived / 2);
  },
});

Deno.test({
  name: "an integer beyond 2^53 reaches QEMU and returns unchanged",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    const time = 2n ** 62n + 1n;
    await client.execute("object-add", {
      "qom-type": "iothread",
      id: "thread",
      "poll-max-ns": time,
    });
    const got = await client.execute("qom-get", {
      path: "/objects/thread",
      property: "poll-max-ns",
    });
    assertEquals(got, time);
  },
});

Deno.test({
  name: "an out-of-band command is answered before a queue of 30 others",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    const answered: string[] = [];
    const others = Array.from(
      { length: 30 },
      () => client.execute("query-qmp-schema").then(() => answered.push("in")),
    );
    await client.execute("migrate-recover", { uri: "tcp:0:0" }, { oob: true })
      .catch((error) => assertInstanceOf(error, ExecuteError));
    assertLess(answered.length, 8);
    await Promise.all(others);
    assertEquals(answered.length, 30);
  },
});

Deno.test({
  name: "among 1,000 concurrent calls, each gets its own reply or error",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    const calls = Array.from(
      { length: 1000 },
      (_, n) =>
        n % 2
          ? client.execute("query-name")
          : client.execute(`no-such-${n}`).catch((error) => error.description),
    );
    assertEquals(
      await Promise.all(calls),
      calls.map((_, n) =>
        n % 2 ? {} : `The command no-such-${n} has not been found`
      ),
    );
  },
});

Deno.test({
  name: "before negotiation QEMU answers CommandNotFound",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server, { negotiate: false });
    const error = await assertRejects(
      () => client.execute("query-name"),
      ExecuteError,
    );
    assertEquals(error.errorClass, "CommandNotFound");
    await client.execute("qmp_capabilities");
    assertEquals(await client.execute("query-name"), {});
  },
});

Deno.test({
  name: "query-qmp-schema is one message of more than 64 KiB",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    await using client = await connected(server);
    const before = client.stats.bytesReceived;
    const schema = await client.execute("query-qmp-schema");
    assert(Array.isArray(schema) && schema.length > 500);
    assertGreater(client.stats.bytesReceived - before, 64 * 1024);
  },
});
