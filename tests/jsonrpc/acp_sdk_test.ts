import { assertEquals, assertInstanceOf } from "@std/assert";
import { agent, client, PROTOCOL_VERSION } from "@agentclientprotocol/sdk";
import { type AcpMessage, toAcpStream } from "../../jsonrpc/acp.ts";
import { JSONRPCError, JSONRPCPeer } from "../../jsonrpc/mod.ts";
import {
  type Connection,
  decoderStream,
  jsonLines,
  memory,
  memoryPair,
  type Transport,
  unix,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { logged } from "../support/protocol/logged.ts";

/** An agent of the SDK that answers each prompt with one update. */
function newAgent() {
  return agent({ name: "test" })
    .onRequest("initialize", () => ({
      protocolVersion: PROTOCOL_VERSION,
      agentCapabilities: {},
    }))
    .onRequest("session/new", () => ({ sessionId: "s1" }))
    .onRequest("session/prompt", async ({ params, client }) => {
      await client.notify("session/update", {
        sessionId: params.sessionId,
        update: {
          sessionUpdate: "agent_message_chunk",
          content: { type: "text", text: "Hello" },
        },
      });
      return { stopReason: "end_turn" };
    });
}

async function pairOver(
  transport: Transport,
): Promise<[Connection, Connection]> {
  await using listener = await transport.listen();
  return await Promise.all([transport.connect(), listener.accept()]);
}

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

for (
  const [name, transport] of [
    ["memory", memory()],
    ["Unix", unix({ path: `${folder}/acp` })],
  ] as const
) {
  Deno.test(`agent and client of the ACP SDK talk to each other over ${name}`, async () => {
    const [near, far] = await pairOver(transport);
    const serving = newAgent().connect(toAcpStream(far));
    const texts: unknown[] = [];
    const stop = await client({ name: "test" })
      .onNotification("session/update", ({ params }) => {
        const { update } = params;
        if (update.sessionUpdate !== "agent_message_chunk") return;
        if (update.content.type === "text") texts.push(update.content.text);
      })
      .connectWith(toAcpStream(near), async (context) => {
        await context.request("initialize", {
          protocolVersion: PROTOCOL_VERSION,
          clientCapabilities: {},
        });
        const { sessionId } = await context.request("session/new", {
          cwd: "/",
          mcpServers: [],
        });
        return await context.request("session/prompt", {
          sessionId,
          prompt: [{ type: "text", text: "Hi" }],
        });
      });
    assertEquals(stop.stopReason, "end_turn");
    assertEquals(texts, ["Hello"]);
    serving.close();
    await near.close();
    await far.close();
  });
}

Deno.test("a JSONRPCPeer talks to an agent of the ACP SDK, and cancels a request of it", async () => {
  const [near, far] = await pairOver(memory());
  const started = Promise.withResolvers<void>();
  const serving = newAgent()
    .onRequest("x/hang", (params) => params as unknown, ({ signal }) => {
      started.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    })
    .connect(toAcpStream(far));
  const peer = new JSONRPCPeer({ cancellation: "acp", timeout: 10_000 });
  await peer.connect(near);
  const { protocolVersion } = await peer.request("initialize", {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {},
  });
  assertEquals(protocolVersion, PROTOCOL_VERSION);
  const controller = new AbortController();
  const { signal } = controller;
  const hanging = peer.request("x/hang", {}, { signal });
  await started.promise;
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await rejection(hanging), reason);
  const error = await rejection(peer.request("x/none", {}));
  assertInstanceOf(error, JSONRPCError);
  assertEquals(error.code, -32601);
  await peer.disconnect();
  serving.close();
  await far.close();
});

Deno.test("a line that is not a message is answered and logged, and the stream goes on", async () => {
  const [near, far] = memoryPair();
  const { readable, writable } = toAcpStream(near, { maxMessageBytes: 100 });
  const peer = far.writable.getWriter();
  const writing = (async () => {
    await peer.write(new TextEncoder().encode("print()\n[]\n5\n"));
    await peer.write(new TextEncoder().encode(`"${"x".repeat(200)}"\n{}\n`));
    await peer.close();
  })();
  const records = await logged("warning", async () => {
    assertEquals(await Array.fromAsync(readable), [{} as AcpMessage]);
  });
  await writing;
  await writable.close();
  const answers = await Array.fromAsync(
    far.readable.pipeThrough(decoderStream(jsonLines<AcpMessage>())),
  );
  assertEquals(
    answers,
    [-32700, -32600, -32600, -32600].map((code) => ({
      jsonrpc: "2.0",
      id: null,
      error: {
        code,
        message: code === -32700 ? "Parse error" : "Invalid Request",
      },
    })),
  );
  assertEquals(records.length, 4);
  await near.close();
  await far.close();
});

Deno.test("when the connection is lost, both streams fail with the cause", async () => {
  const [near, far] = memoryPair();
  const { readable, writable } = toAcpStream(near);
  const writer = writable.getWriter();
  const reading = rejection(readable.getReader().read());
  far.abort(new Error("cut"));
  assertInstanceOf(await reading, Deno.errors.ConnectionReset);
  near.abort(new Error("gone"));
  await rejection(writer.closed);
});

Deno.test("messages that are written while a bad line is answered are sent, too", async () => {
  const [near, far] = memoryPair();
  const { readable, writable } = toAcpStream(near);
  const reading = Array.fromAsync(readable);
  const writer = writable.getWriter();
  await far.write(new TextEncoder().encode("oops\n"));
  for (const method of ["a", "b"]) writer.write({ jsonrpc: "2.0", method });
  await far.closeWrite();
  await reading;
  await writer.close();
  const sent = await Array.fromAsync(
    far.readable.pipeThrough(
      decoderStream(jsonLines<{ method?: string; error?: object }>()),
    ),
  );
  assertEquals(sent.flatMap(({ method }) => method ?? []), ["a", "b"]);
  assertEquals(sent.length, 3);
  await near.close();
  await far.close();
});

Deno.test("when the writable is closed, the stream goes on behind a bad line", async () => {
  const [near, far] = memoryPair();
  const { readable, writable } = toAcpStream(near);
  await writable.close();
  await far.write(new TextEncoder().encode("oops\n{}\n"));
  await far.closeWrite();
  assertEquals(await Array.fromAsync(readable), [{} as AcpMessage]);
  await near.close();
  await far.close();
});
