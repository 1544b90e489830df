import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStrictEquals,
} from "@std/assert";
import type { AddressInfo } from "node:net";
import { WebSocket as NodeSocket, WebSocketServer } from "ws";
import {
  fromWebSocket,
  Peer,
  webSocket,
  webSocketMessages,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const codec = () => webSocketMessages({ maxMessageBytes: 2 ** 24 });
const messages = [
  "grüße",
  Uint8Array.of(1, 2, 3),
  "x".repeat(70_000),
  new Uint8Array(1_000_000).fill(7),
];

Deno.test("ws as the server echoes text and bytes, and closes in order", async () => {
  const server = new WebSocketServer({
    ...{ host: "127.0.0.1", port: 0, perMessageDeflate: true },
  });
  const codes: number[] = [];
  const gone = Promise.withResolvers<void>();
  server.on("connection", (socket: NodeSocket) => {
    socket.on(
      "message",
      (data: Uint8Array, isBinary: boolean) =>
        socket.send(data, { binary: isBinary }),
    );
    socket.on("close", (code: number) => {
      codes.push(code);
      gone.resolve();
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Peer({ codec });
  await client.connect(
    webSocket({ url: `ws://127.0.0.1:${port}/`, messages: true }),
  );
  for (const message of messages) {
    await client.send(message);
    assertEquals(await client.receive(), message);
  }
  await client.disconnect();
  await gone.promise;
  assertEquals(codes, [1000]);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("ws as the client echoes text and bytes, and closes in order", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/chat", messages: true });
  await using listener = await transport.listen();
  const server = new Peer({ codec });
  const accepted = server.accept(listener);
  const { port } = listener.address;
  const socket = new NodeSocket(`ws://127.0.0.1:${port}/chat`);
  socket.on(
    "message",
    (data: Uint8Array, isBinary: boolean) =>
      socket.send(data, { binary: isBinary }),
  );
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await accepted;
  for (const message of messages) {
    await server.send(message);
    assertEquals(await server.receive(), message);
  }
  socket.close(1001);
  assertEquals(await closed, 1000);
  await rejection(server.closed);
  await server[Symbol.asyncDispose]();
});

Deno.test("ws is refused at another path, with an HTTP status", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/chat" });
  await using listener = await transport.listen();
  const socket = new NodeSocket(`ws://127.0.0.1:${listener.address.port}/no`);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const error = await new Promise<Error>((resolve) =>
    socket.on("error", resolve)
  );
  assertMatch(error.message, /404/);
  await closed;
});

Deno.test("a native WebSocket of Deno's, both as messages and at the other end of Deno.serve", async () => {
  const served = new Peer({ codec });
  const ended = Promise.withResolvers<void>();
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      served.connect(fromWebSocket(socket, { messages: true }))
        .then(() => served.closed)
        .catch(() => {}).finally(ended.resolve);
      return response;
    },
  );
  const socket = new WebSocket(`ws://127.0.0.1:${http.addr.port}/`);
  const client = new Peer({ codec });
  await client.connect(fromWebSocket(socket, { messages: true }));
  for (const message of messages) {
    await client.send(message);
    assertEquals(await served.receive(), message);
    await served.send(message);
    assertEquals(await client.receive(), message);
  }
  await client.disconnect();
  await ended.promise;
  await served[Symbol.asyncDispose]();
});

Deno.test("a native socket is cut if its peer sends more than maxQueuedBytes ahead of the reader", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/" });
  await using listener = await transport.listen();
  const socket = new WebSocket(`ws://127.0.0.1:${listener.address.port}/`);
  const connection = fromWebSocket(socket, { maxQueuedBytes: 10_000 });
  const server = await listener.accept();
  await server.write(new Uint8Array(20_000));
  assertEquals(await server.read(new Uint8Array(1)), null);
  const error = await rejection(connection.read(new Uint8Array(1)));
  assertMatch(String(error), /maxQueuedBytes is 10000/);
  connection.abort();
  await server.close();
});

Deno.test("what a native socket receives after its reader has cancelled is dropped, and writing goes on", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/" });
  await using listener = await transport.listen();
  const socket = new WebSocket(`ws://127.0.0.1:${listener.address.port}/`);
  const connection = fromWebSocket(socket, { maxQueuedBytes: 10_000 });
  const server = await listener.accept();
  await connection.readable.cancel();
  const received = new Promise((resolve) =>
    socket.addEventListener("message", resolve, { once: true })
  );
  await server.write(new Uint8Array(20_000));
  await received;
  await connection.write(Uint8Array.of(7));
  const into = new Uint8Array(1);
  assertEquals([await server.read(into), ...into], [1, 7]);
  await Promise.all([connection.close(), server.close()]);
});

for (const messages of [false, true]) {
  Deno.test(`many small messages fill one buffer of the reader, messages: ${messages}`, async () => {
    const transport = webSocket({ url: "ws://127.0.0.1:0/" });
    await using listener = await transport.listen();
    const socket = new WebSocket(`ws://127.0.0.1:${listener.address.port}/`);
    const arrived = Promise.withResolvers<void>();
    const total = 1000;
    let count = 0;
    const connection = fromWebSocket(socket, { messages });
    socket.addEventListener("message", () => {
      if (++count === total) arrived.resolve();
    });
    const server = await listener.accept();
    for (let i = 0; i < total; i++) await server.write(Uint8Array.of(i));
    await arrived.promise;
    const into = new Uint8Array(10 * total);
    const each = messages ? 3 : 1;
    assertEquals(await connection.read(into), each * total);
    assertEquals(into[each * 300 - 1], 299 % 256);
    await Promise.all([connection.close(), server.close()]);
  });
}

for (const pending of [false, true]) {
  Deno.test(`a native socket that never opens is closed all the same, a write pending: ${pending}`, async () => {
    const { promise: never, resolve: finish } = Promise.withResolvers<void>();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const silent = listener.accept().then(async (conn) => {
      await never;
      conn.close();
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const ended = new Promise((resolve) => socket.onclose = resolve);
    const connection = fromWebSocket(socket);
    const writing = pending && rejection(connection.write(new Uint8Array(1)));
    await connection.close();
    if (pending) assertMatch(String(await writing), /did not open within/);
    assert(socket.readyState > WebSocket.OPEN);
    finish();
    await Promise.all([silent, ended]);
  });
}

Deno.test("a native socket that does not open fails the session that runs over it, and says why", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/chat" });
  await using listener = await transport.listen();
  const url = `ws://127.0.0.1:${listener.address.port}/no`;
  const client = new Peer({ codec });
  await client.connect(fromWebSocket(new WebSocket(url), { messages: true }));
  const error = await rejection(client.closed);
  assertInstanceOf(error, Error);
  assertEquals(error.message, `Connect to ${url}: the socket did not open`);
  assertMatch(String(error.cause), /404/);
  assertStrictEquals(await rejection(client.disconnect()), error);
});

Deno.test("a native socket that is closed already says so", async () => {
  const socket = new WebSocket("ws://127.0.0.1:1/");
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  const connection = fromWebSocket(socket);
  const error = await rejection(connection.read(new Uint8Array(1)));
  assertMatch(String(error), /^Error: Connect to .*: the socket is closed$/);
  await connection.close();
});

Deno.test("an error's code and reason of the peer fail reads and writes over a native socket", async () => {
  const accepted = Promise.withResolvers<WebSocket>();
  await using http = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => accepted.resolve(socket);
      return response;
    },
  );
  const url = `ws://127.0.0.1:${http.addr.port}/`;
  const connection = fromWebSocket(new WebSocket(url));
  (await accepted.promise).close(4001, "disk\nfull");
  const error = await rejection(connection.read(new Uint8Array(1)));
  assertEquals(
    String(error),
    `Error: Read from ${url}: the peer has closed with 4001 "disk\\nfull"`,
  );
  const bytes = new Uint8Array(1);
  assertStrictEquals(await rejection(connection.write(bytes)), error);
  await connection.close();
});

Deno.test("a native socket that is cut says so", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/" });
  await using listener = await transport.listen();
  const url = `ws://127.0.0.1:${listener.address.port}/`;
  const connection = fromWebSocket(new WebSocket(url));
  const server = await listener.accept();
  await connection.write(new Uint8Array(1)); // It is open.
  server.abort();
  const error = await rejection(connection.read(new Uint8Array(1)));
  assertEquals(
    String(error),
    `Error: Read from ${url}: the connection was cut`,
  );
  await connection.close();
});

Deno.test("a reader that cancels while a native socket is connecting ends reading alone", async () => {
  const transport = webSocket({ url: "ws://127.0.0.1:0/" });
  await using listener = await transport.listen();
  const socket = new WebSocket(`ws://127.0.0.1:${listener.address.port}/`);
  const connection = fromWebSocket(socket);
  {
    using time = new VirtualTime();
    await connection.readable.cancel();
    assertEquals(socket.readyState, WebSocket.CONNECTING);
    time.pass(60_000);
  }
  await connection.write(Uint8Array.of(1, 2, 3));
  const server = await listener.accept();
  assertEquals(await server.read(new Uint8Array(9)), 3);
  await Promise.all([connection.close(), server.close()]);
});
