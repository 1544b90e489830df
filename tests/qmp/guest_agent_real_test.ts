import { concat } from "@std/bytes";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { CallTimeoutError, MessageTooLargeError } from "../../protocol/mod.ts";
import {
  BadReplyError,
  ExecuteError,
  GuestAgentClient,
} from "../../qmp/mod.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { needs, startGuestAgent } from "../support/servers/qemu.ts";
import type { Message } from "../support/qmp/qmp_script.ts";

const agent = needs("qemu-ga");

Deno.test({
  name: "a client synchronizes with a real agent again and again",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    for (let time = 0; time < 20; time++) {
      await using client = new GuestAgentClient();
      await client.connect(server.transport);
      assertEquals(await client.execute("guest-ping"), {});
      await assertRejects(
        () => client.execute("guest-nonsense"),
        ExecuteError,
        "CommandNotFound",
      );
    }
  },
});

Deno.test({
  name: "an incomplete command of one session does not affect the next",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const rude = await server.transport.connect();
    const writer = rude.writable.getWriter();
    await writer.write(new TextEncoder().encode('{"execute": "guest-info"}'));
    await writer.write(new TextEncoder().encode('{"execute": "guest-p'));
    await rude.close();
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    assertEquals(await client.execute("guest-ping"), {});
  },
});

Deno.test({
  name: "commands to a stopped real agent time out, and it is used again",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    server.process.kill("SIGSTOP");
    await assertRejects(
      () => client.execute("guest-info", {}, { timeout: 50 }),
      CallTimeoutError,
      "may have run",
    );
    await assertRejects(
      () => client.execute("guest-info", {}, { timeout: 50 }),
      CallTimeoutError,
      "was never sent",
    );
    server.process.kill("SIGCONT");
    assertEquals(await client.execute("guest-ping"), {});
  },
});

Deno.test({
  name: "a file of 8 MiB is read as one message, if the limit allows it",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const path = `${server.process.folder}/file`;
    const content = noise(8 * 1024 * 1024);
    await Deno.writeFile(path, content);
    const read = async (client: GuestAgentClient) => {
      const handle = await client.execute("guest-file-open", { path });
      const count = content.length;
      return await client.execute("guest-file-read", { handle, count }) as {
        "buf-b64": string;
      };
    };
    await using client = new GuestAgentClient();
    await client.connect(server.transport);
    const { "buf-b64": text } = await read(client);
    assert(text.length > 10 * 1024 * 1024);
    assertEquals(Uint8Array.fromBase64(text), concat([content]));
    await client.disconnect();

    await using strict = new GuestAgentClient({ maxMessageBytes: 1024 ** 2 });
    await strict.connect(server.transport);
    const error = await assertRejects(() => read(strict), BadReplyError);
    assertInstanceOf(error.cause, MessageTooLargeError);
    assertStringIncludes(error.message, "maxMessageBytes is 1048576");
    assertEquals(await strict.execute("guest-ping"), {});
  },
});

Deno.test({
  name: "the largest replies of a real agent are below the default limit",
  ...agent,
  fn: async () => {
    await using server = await startGuestAgent();
    const path = `${server.process.folder}/file`;
    const count = 48 * 1024 * 1024;
    await Deno.writeFile(path, new Uint8Array(count));
    await using client = new GuestAgentClient({ timeout: 60_000 });
    await client.connect(server.transport);
    const handle = await client.execute("guest-file-open", { path });
    const args = { handle, count };
    const read = await client.execute("guest-file-read", args) as Message;
    assertEquals(read.count, count);
    console.log(`${client.stats.bytesReceived} bytes for ${count}`);
    assertEquals(await client.execute("guest-ping"), {});
  },
});
