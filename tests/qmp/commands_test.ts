import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { QMPClient } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import {
  assertNextIsServed,
  bareClient,
  type Message,
  runningClient,
} from "../support/qmp/qmp_script.ts";
import { overStreams } from "../support/protocol/session.ts";

Deno.test("a command is sent as JSON, and nothing follows it", async () => {
  const { client, far } = await bareClient();
  const bytes = new Response(far.readable).text();
  client.executeMessage({ execute: "quit", id: "q" }).catch(() => {});
  client.executeMessage({ execute: "stop", arguments: {}, id: "s" })
    .catch(() => {});
  await client.disconnect();
  assertEquals(
    await bytes,
    '{"execute":"quit","id":"q"}{"execute":"stop","arguments":{},"id":"s"}',
  );
  await far.close();
});

Deno.test("over TLS a newline follows each command in a write of its own", async () => {
  const [near, far] = memoryPair();
  const writes: string[] = [];
  const client = new QMPClient({ awaitGreeting: false, negotiate: false });
  const writable = new WritableStream({
    write: (chunk) => void writes.push(new TextDecoder().decode(chunk)),
  });
  await client.connect({
    ...overStreams(near, { writable }),
    remoteAddress: { transport: "tls", hostname: "localhost", port: 4444 },
  });
  client.executeMessage({ execute: "stop", id: 1 }).catch(() => {});
  client.executeMessage({ execute: "cont", id: 2 }).catch(() => {});
  await client.disconnect();
  await far.close();
  assertEquals(writes, [
    '{"execute":"stop","id":1}',
    '\n{"execute":"cont","id":2}',
    "\n",
  ]);
});

Deno.test("integers of 64 bits are sent and received exactly", async () => {
  const { client, server } = await runningClient();
  const size = 2n ** 63n - 1n;
  const call = client.execute("block_resize", { size });
  const command = await server.command();
  assertEquals(command.arguments, { size });
  server.answer(command, { size, small: 5 });
  assertEquals(await call, { size, small: 5 });
  await client.disconnect();
  await server.end();
});

Deno.test("executeMessage() sends a copy, with an id if the message has none", async () => {
  const { client, server } = await runningClient();
  const message = { execute: "stop", arguments: { now: true } };
  const call = client.executeMessage(message);
  message.arguments.now = false;
  const command = await server.command();
  assertEquals(command.arguments, { now: true });
  assert(command.id !== undefined);
  assertFalse("id" in message);
  server.answer(command);
  assertEquals(await call, {});
  await client.disconnect();
  await server.end();
});

Deno.test("executeMessage() uses the given id, and refuses an id in use", async () => {
  const { client, server } = await runningClient();
  const call = client.executeMessage({ execute: "stop", id: "mine" });
  assertEquals((await server.command()).id, "mine");
  await assertRejects(
    () => client.executeMessage({ execute: "cont", id: "mine" }),
    TypeError,
    "Cannot execute: id is mine: it must not be in use",
  );
  server.send({ return: {}, id: "mine" });
  await call;
  const again = client.executeMessage({ execute: "cont", id: "mine" });
  server.answer(await server.command());
  assertEquals(await again, {});
  await client.disconnect();
  await server.end();
});

Deno.test("the client's ids differ from ids that are given", async () => {
  const { client, server } = await runningClient();
  const given = client.executeMessage({ execute: "stop", id: 3 });
  const { id } = await server.command();
  assertEquals(id, 3);
  const ours = [1, 2, 3].map(() => client.execute("cont"));
  const ids = new Set<unknown>([id]);
  for (const _ of ours) {
    const command = await server.command();
    ids.add(command.id);
    server.answer(command);
  }
  assertEquals(ids.size, 4);
  server.send({ return: {}, id });
  await Promise.all([given, ...ours]);
  await client.disconnect();
  await server.end();
});

Deno.test("a message that names no command, or has no proper id, is refused", async () => {
  const { client, server } = await runningClient();
  await assertRejects(
    () => client.executeMessage({}),
    TypeError,
    "Cannot execute: message names no command",
  );
  await assertRejects(
    () => client.executeMessage({ execute: "stop", id: 1.5 }),
    TypeError,
    "Cannot execute: id is 1.5: it must be a string or an integer",
  );
  await client.disconnect();
  assertEquals(await server.next(), undefined);
  await server.end();
});

Deno.test("arguments without a JSON text reject only their own call", async () => {
  const { client, server } = await runningClient();
  const circular: Message = {};
  circular.self = circular;
  await assertRejects(() => client.execute("a", circular), TypeError);
  await assertNextIsServed(client, server);
  await client.disconnect();
  await server.end();
});
