import { assertEquals, assertInstanceOf } from "@std/assert";
import { createConnection, createServer, type Socket } from "node:net";
import rpc from "vscode-jsonrpc/node";
import { type HandlerContext, JSONRPCError } from "../../jsonrpc/mod.ts";
import { LSPPeer } from "../../jsonrpc/lsp.ts";
import { unix } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

function over(socket: Socket) {
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(socket),
    new rpc.StreamMessageWriter(socket),
  );
  return connection;
}

/** Resolves when the socket is released. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

Deno.test("vscode-jsonrpc as the client: requests, errors, notifications, cancellation, calls back", async () => {
  const path = `${folder}/client`;
  const heard: unknown[] = [];
  const cancelled = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = new LSPPeer({
    methods: {
      add: ([a, b]: [number, number]) => a + b,
      note: (params: unknown) => void heard.push(params),
      fail() {
        throw new JSONRPCError("No", { code: 42, data: [1] });
      },
      hang: (_: unknown, { signal }: HandlerContext) => {
        started.resolve();
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            cancelled.resolve();
            reject(signal.reason);
          })
        );
      },
      askBack: async (_: unknown, { peer }: HandlerContext) =>
        `${await peer.request("name")}!`,
    },
  });
  await using listener = await unix({ path }).listen();
  const accepted = server.accept(listener);
  const socket = createConnection(path);
  const connection = over(socket);
  connection.onRequest("name", () => "vscode");
  connection.listen();
  await accepted;

  assertEquals(await connection.sendRequest("add", 1, 2), 3);
  connection.sendNotification("note", { text: "ü" });
  const failure = await rejection(connection.sendRequest("fail"));
  assertInstanceOf(failure, rpc.ResponseError);
  assertEquals([failure.code, failure.message, failure.data], [42, "No", [1]]);
  assertEquals(await connection.sendRequest("askBack"), "vscode!");
  const source = new rpc.CancellationTokenSource();
  const hanging = rejection(connection.sendRequest("hang", source.token));
  await started.promise;
  source.cancel();
  await cancelled.promise;
  const error = await hanging;
  assertInstanceOf(error, rpc.ResponseError);
  assertEquals(error.code, -32800);
  assertEquals(heard, [{ text: "ü" }]);
  connection.dispose();
  const gone = closed(socket);
  socket.destroy();
  await gone;
  await server[Symbol.asyncDispose]();
});

Deno.test("vscode-jsonrpc as the server: requests, errors, notifications, cancellation, calls back", async () => {
  const path = `${folder}/server`;
  const heard = Promise.withResolvers<unknown>();
  const sockets: Socket[] = [];
  const gone: Promise<void>[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    gone.push(closed(socket));
    const connection = over(socket);
    connection.onRequest("add", (a: number, b: number) => a + b);
    connection.onNotification("note", heard.resolve);
    connection.onRequest("fail", () => new rpc.ResponseError(42, "No", [1]));
    connection.onRequest(
      "askBack",
      async () => `${await connection.sendRequest("name")}!`,
    );
    connection.onRequest(
      "hang",
      (token: { onCancellationRequested: (listener: () => void) => void }) =>
        new Promise((resolve) =>
          token.onCancellationRequested(() =>
            resolve(new rpc.ResponseError(-32800, "cancelled"))
          )
        ),
    );
    connection.listen();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new LSPPeer({
    timeout: 10_000,
    methods: { name: () => "parley" },
  });
  await client.connect(unix({ path }));

  assertEquals(await client.request("add", [1, 2]), 3);
  await client.notify("note", { text: "ü" });
  assertEquals(await heard.promise, { text: "ü" });
  const failure = await rejection(client.request("fail"));
  assertInstanceOf(failure, JSONRPCError);
  assertEquals([failure.code, failure.message, failure.data], [42, "No", [1]]);
  assertEquals(await client.request("askBack"), "parley!");
  const controller = new AbortController();
  const { signal } = controller;
  const hanging = rejection(client.request("hang", undefined, { signal }));
  controller.abort();
  assertEquals(await hanging, signal.reason);
  assertEquals(await client.request("add", [2, 3]), 5);
  await client.disconnect();
  for (const socket of sockets) socket.destroy();
  await Promise.all(gone);
  await new Promise((resolve) => server.close(resolve));
});
