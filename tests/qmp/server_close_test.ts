import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EndOfStreamError } from "../../protocol/mod.ts";
import { ExecInterruptedError, QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import { served, version } from "../support/qmp/served_qmp.ts";
import { turns } from "../support/turns.ts";

Deno.test("quit is answered before the server ends the session", async () => {
  await using both = await served();
  assertEquals(await both.client.execute("quit"), {});
  await both.client.closed;
});

Deno.test("a given handler for quit replaces the default", async () => {
  let asked = 0;
  await using both = await served({ commands: { quit: () => void asked++ } });
  await both.client.execute("quit");
  await both.client.execute("query-version");
  assertEquals(asked, 1);
});

Deno.test("close() executes and answers received commands, and accepts no more", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const transport = memory();
  const server = new QMPServer({
    version,
    commands: {
      slow: async ({ n }) => {
        begun.resolve();
        await gate.promise;
        return n;
      },
    },
  });
  const serving = server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  const calls = [1, 2, 3].map((n) => client.execute("slow", { n }));
  await begun.promise;
  await turns();
  const closing = server.close();
  await turns();
  const late = client.execute("slow", { n: 4 });
  gate.resolve();
  assertEquals(await Promise.all(calls), [1, 2, 3]);
  await assertRejects(() => late, ExecInterruptedError);
  await closing;
  await serving.closed;
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await assertRejects(() => transport.connect());
});

/** A server whose command `hangs` tells that it has begun, and never ends. */
function hangingServer(): { server: QMPServer; begun: Promise<void> } {
  const begun = Promise.withResolvers<void>();
  const server = new QMPServer({
    version,
    commands: {
      hangs: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    },
  });
  return { server, begun: begun.promise };
}

Deno.test("an aborted close() rejects with the reason, and ends the sessions at once", async () => {
  const transport = memory();
  const { server, begun } = hangingServer();
  const serving = server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  const call = client.execute("hangs");
  await begun;
  const aborting = new AbortController();
  const reason = new Error("Enough");
  const closing = server.close({ signal: aborting.signal });
  aborting.abort(reason);
  assertStrictEquals(await assertRejects(() => closing), reason);
  await assertRejects(() => call, ExecInterruptedError);
  await serving.closed;
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("close() resolves when shutdownTimeout has ended the sessions, even if a handler goes on", async () => {
  const transport = memory();
  const { server, begun } = hangingServer();
  server.serve(await transport.listen(), { shutdownTimeout: 0 });
  const client = new QMPClient();
  await client.connect(transport);
  const call = client.execute("hangs");
  await begun;
  await server.close();
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => call, ExecInterruptedError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});
