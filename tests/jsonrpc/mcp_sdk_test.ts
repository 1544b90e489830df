import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { toMcpTransport } from "../../jsonrpc/mcp.ts";
import {
  type Connection,
  type Listener,
  memory,
  memoryPair,
  type NetAddress,
  QueueLimitError,
  tls,
  type Transport,
  unix,
} from "../../mod.ts";
import { certificates } from "../support/transports/certificates.ts";
import { UnhandledRejections } from "../support/unhandled_rejections.ts";

/** A server of the SDK with one tool and one resource. */
function newServer(): McpServer {
  const server = new McpServer({ name: "test", version: "1.0.0" });
  server.registerTool("greet", { description: "Greets" }, () => ({
    content: [{ type: "text", text: "Hello" }],
  }));
  server.registerTool("fail", { description: "Fails" }, () => {
    throw new Error("No greeting today");
  });
  server.registerResource("note", "note://1", {}, (uri: URL) => ({
    contents: [{ uri: uri.href, text: "x".repeat(200_000) }],
  }));
  return server;
}

/** A transport that listens, and a transport that connects to it. */
async function transports(): Promise<Record<string, [Transport, Transport]>> {
  const inMemory = memory();
  const folder = await Deno.makeTempDir();
  addEventListener(
    "unload",
    () => Deno.removeSync(folder, { recursive: true }),
  );
  const socket = unix({ path: `${folder}/mcp` });
  const { ca, server } = await certificates();
  const secured = tls({ port: 0, ...server, caCerts: [ca] });
  return {
    memory: [inMemory, inMemory],
    Unix: [socket, socket],
    TLS: [secured, secured],
  };
}

async function connectTo(
  listener: Listener,
  client: Transport,
  name: string,
): Promise<[Connection, Connection]> {
  const { address } = listener;
  const { ca } = await certificates();
  const dial = name === "TLS"
    ? tls({ port: (address as NetAddress).port, caCerts: [ca] })
    : client;
  return await Promise.all([dial.connect(), listener.accept()]);
}

for (const [name, [server, client]] of Object.entries(await transports())) {
  Deno.test(`client and server of the MCP SDK talk to each other over ${name}`, async () => {
    await using listener = await server.listen();
    const [near, far] = await connectTo(listener, client, name);
    const sdkServer = newServer();
    const sdkClient = new Client({ name: "test", version: "1.0.0" });
    await Promise.all([
      sdkServer.connect(toMcpTransport(far)),
      sdkClient.connect(toMcpTransport(near)),
    ]);
    const { tools } = await sdkClient.listTools();
    assertEquals(tools.map(({ name }: { name: string }) => name), [
      "greet",
      "fail",
    ]);
    const greeting = await sdkClient.callTool({ name: "greet" });
    assertEquals(greeting.content, [{ type: "text", text: "Hello" }]);
    const failed = await sdkClient.callTool({ name: "fail" });
    assertEquals(failed.isError, true);
    const { contents } = await sdkClient.readResource({ uri: "note://1" });
    assertEquals(contents[0]?.uri, "note://1");
    const closed = Promise.withResolvers<void>();
    sdkServer.server.onclose = closed.resolve;
    await sdkClient.close();
    await closed.promise;
    await sdkServer.close();
  });
}

Deno.test("when the connection is cut, the SDK's client is notified, and its requests reject", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const [near, far] = await Promise.all([
    transport.connect(),
    listener.accept(),
  ]);
  const server = newServer();
  const client = new Client({ name: "test", version: "1.0.0" });
  await Promise.all([
    server.connect(toMcpTransport(far)),
    client.connect(toMcpTransport(near)),
  ]);
  const errors: Error[] = [];
  client.onerror = (error: Error) => errors.push(error);
  const pending = assertRejects(() => client.listTools());
  const closed = Promise.withResolvers<void>();
  client.onclose = closed.resolve;
  far.abort(new Error("cut"));
  await pending;
  await closed.promise;
  assertEquals(errors.map(({ name }) => name), ["ConnectionReset"]);
  await server.close();
  await client.close();
});

Deno.test("a transport that is closed before its start releases the connection", async () => {
  const [near, far] = memoryPair();
  await toMcpTransport(near).close();
  await near.closed;
  assertEquals(await far.read(new Uint8Array(1)), null);
  await far.close();
});

Deno.test("messages of more than 8 MiB that are sent at the same time all arrive in order", async () => {
  const [near, far] = memoryPair();
  const transports = [toMcpTransport(near), toMcpTransport(far)];
  const order = [1, 2, 3, 4];
  const received = transports.map((transport) => {
    const { promise, resolve } = Promise.withResolvers<number[]>();
    const ids: number[] = [];
    transport.onmessage = (message) => {
      ids.push((message as { id: number }).id);
      if (ids.length === order.length) resolve(ids);
    };
    return promise;
  });
  for (const transport of transports) await transport.start();
  const text = "x".repeat(4_000_000);
  const sent = transports.flatMap((transport) =>
    order.map((id) => transport.send({ jsonrpc: "2.0", id, result: { text } }))
  );
  assertEquals(await Promise.all(received), [order, order]);
  await Promise.all(sent);
  for (const transport of transports) await transport.close();
});

Deno.test("close() sends the messages that wait for room", async () => {
  const [near, far] = memoryPair();
  const transport = toMcpTransport(near);
  await transport.start();
  const ids = [1, 2, 3, 4, 5];
  const text = "x".repeat(1_000_000);
  for (const id of ids) {
    transport.send({ jsonrpc: "2.0", id, result: { text } });
  }
  const closed = transport.close();
  const sent = (await new Response(far.readable).text()).trim().split("\n");
  assertEquals(sent.map((line) => JSON.parse(line).id), ids);
  await closed;
  await far.close();
});

Deno.test("thousands of messages behind a large one all arrive in order", async () => {
  const [near, far] = memoryPair();
  const [sender, receiver] = [toMcpTransport(near), toMcpTransport(far)];
  const order = Array.from({ length: 3_000 }, (_, id) => id);
  const ids: number[] = [];
  const done = Promise.withResolvers<void>();
  receiver.onmessage = (message) => {
    ids.push((message as { id: number }).id);
    if (ids.length === order.length) done.resolve();
  };
  for (const transport of [sender, receiver]) await transport.start();
  const sent = order.map((id) => {
    const text = "x".repeat(id === 0 ? 4_000_000 : 1);
    return sender.send({ jsonrpc: "2.0", id, result: { text } });
  });
  await Promise.all([done.promise, ...sent]);
  assertEquals(ids, order);
  for (const transport of [sender, receiver]) await transport.close();
});

Deno.test("onerror gets the errors of async callbacks, too", async () => {
  const [near, far] = memoryPair();
  const transport = toMcpTransport(near);
  const errors: string[] = [];
  transport.onerror = async ({ message }) => {
    errors.push(message);
    await undefined;
    throw new Error("onerror");
  };
  const arrived = Promise.withResolvers<void>();
  transport.onmessage = async () => {
    arrived.resolve();
    await undefined;
    throw new Error("onmessage");
  };
  transport.onclose = async () => {
    await undefined;
    throw new Error("onclose");
  };
  using unhandled = new UnhandledRejections();
  await transport.start();
  await far.write(new TextEncoder().encode("{}\n"));
  await arrived.promise;
  await transport.close();
  assertEquals(await unhandled.reported(), []);
  assertEquals(errors, ["onmessage", "onclose"]);
  await far.close();
});

Deno.test("onerror gets the errors of lines without JSON and of a callback that throws", async () => {
  const [near, far] = memoryPair();
  const transport = toMcpTransport(near);
  const errors: string[] = [];
  const arrived = Promise.withResolvers<unknown>();
  transport.onerror = ({ name }) => {
    errors.push(name);
    throw new Error("onerror");
  };
  transport.onmessage = arrived.resolve;
  transport.onclose = () => {
    throw new RangeError("onclose");
  };
  await transport.start();
  await far.write(new TextEncoder().encode("no JSON\n{}\n"));
  assertEquals(await arrived.promise, {});
  await transport.close();
  assertEquals(errors, ["DecodeError", "RangeError"]);
  await far.close();
});

Deno.test("messages that the peer does not read end the session by their bytes", async () => {
  const [near, far] = memoryPair();
  const transport = toMcpTransport(near);
  const failed = Promise.withResolvers<Error>();
  transport.onerror = failed.resolve;
  await transport.start();
  const text = "x".repeat(4_000_000);
  // 16 times 8 MiB wait at most.
  for (let id = 0; id < 40; id++) {
    transport.send({ jsonrpc: "2.0", id, result: { text } }).catch(() => {});
  }
  assertInstanceOf(await failed.promise, QueueLimitError);
  await transport.close();
  far.abort();
});
