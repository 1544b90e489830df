import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Connection, tcp, unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import {
  needs,
  startGuestAgent,
  startQemu,
  startQemuDialling,
  startStorageDaemon,
} from "../support/servers/qemu.ts";
import type { RealServer } from "../support/servers/real_server.ts";
import { RealProcess } from "../support/servers/real_process.ts";

/** Reads until the text ends with this suffix. */
async function readTo(
  connection: Connection,
  end: RegExp,
): Promise<string> {
  let text = "";
  const chunks = connection.readable.pipeThrough(new TextDecoderStream());
  for await (const chunk of chunks) {
    text += chunk;
    if (end.test(text)) break;
  }
  return text;
}

async function assertGreets(server: RealServer): Promise<void> {
  await using connection = await server.transport.connect();
  assertMatch(await readTo(connection, /\}\r?\n$/), /^\{\s*"QMP": \{/);
}

for (const monitor of ["unix", "pretty", "tcp", "tls", "mutual-tls"] as const) {
  Deno.test({
    name: `a real QEMU greets its first client: ${monitor}`,
    ...needs("qemu-system-x86_64", "certtool"),
    fn: async () => {
      await using server = await startQemu({ monitor });
      await assertGreets(server);
    },
  });
}

Deno.test({
  name: "a real QEMU with a machine greets its first client",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using server = await startQemu({ machine: true });
    await assertGreets(server);
  },
});

Deno.test({
  name: "a real storage daemon greets its first client",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    await using server = await startStorageDaemon();
    await assertGreets(server);
  },
});

Deno.test({
  name: "a real guest agent answers its first client",
  ...needs("qemu-ga"),
  fn: async () => {
    await using server = await startGuestAgent();
    await using connection = await server.transport.connect();
    const writer = connection.writable.getWriter();
    const sync = { execute: "guest-sync", arguments: { id: 42 } };
    await writer.write(new TextEncoder().encode(JSON.stringify(sync)));
    assertEquals(await readTo(connection, /\n$/), '{"return": 42}\n');
  },
});

for (
  const [name, makeTransport] of [
    ["unix", (folder: string) => unix({ path: `${folder}/socket` })],
    ["tcp", () => tcp({ port: 0 })],
  ] as const
) {
  Deno.test({
    name: `a real QEMU dials us: ${name}`,
    ...needs("qemu-system-x86_64"),
    fn: () =>
      inFolder(async (folder) => {
        await using listener = await makeTransport(folder).listen();
        await using _process = await startQemuDialling(listener.address);
        await using connection = await listener.accept();
        assertMatch(await readTo(connection, /\n$/), /^\{"QMP"/);
      }),
  });
}

Deno.test({
  name: "a disposed server leaves no process and no folder",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    const server = await startStorageDaemon();
    const { pid, folder } = server.process;
    await server[Symbol.asyncDispose]();
    await assertRejects(() => Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
    await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
  },
});

Deno.test({
  name: "a program that ends before it is ready is an error with its stderr",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await assertRejects(
      () => startQemu({ args: ["-no-such-option"] }),
      Error,
      "ended before it was ready: exit code 1: qemu-system-x86_64: -no-such-option",
    );
  },
});

Deno.test("a program that is missing is an error with the line that installs it", async () => {
  await assertRejects(
    () => RealProcess.start({ program: "parley-no-such", args: () => [] }),
    Error,
    "parley-no-such is missing: apt-get install",
  );
});
