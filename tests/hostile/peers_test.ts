import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
} from "@std/assert";
import { FlushTimeoutError, jsonLines } from "../../protocol/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { type Connection, tcp, tls } from "../../transports/mod.ts";
import { attackServer } from "../support/protocol/attacked_server.ts";
import { certificates } from "../support/transports/certificates.ts";
import { jsonPeer } from "../support/protocol/session.ts";

const KIB = 1024;
const question = { id: 1 };
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a peer that sends a byte at a time is answered, and others between any two of its bytes", async () => {
  await using place = await attackServer<unknown>(jsonLines, question);
  const { hostile, session } = await place.connect();
  const writer = hostile.writable.getWriter();
  const message = encode(JSON.stringify("x".repeat(500)) + "\n");
  for (const byte of message.subarray(0, -1)) {
    await writer.write(Uint8Array.of(byte));
    await place.serves();
    assertEquals(session.stats.messagesReceived, 0);
  }
  await writer.write(message.subarray(-1));
  const { value } = await hostile.readable.getReader().read();
  assertEquals(value, message);
  await hostile.close();
});

Deno.test("a peer that sends requests and never reads is stopped by backpressure, and others are served", async () => {
  await using place = await attackServer<unknown>(jsonLines, question);
  const { hostile, session } = await place.connect();
  const writer = hostile.writable.getWriter();
  const chunk = encode((JSON.stringify("x".repeat(10_000)) + "\n").repeat(10));
  let offered = 0;
  const writing = (async () => {
    for (;;) {
      await writer.write(chunk);
      offered += chunk.length;
    }
  })();
  writing.catch(() => {});
  for (let last = -1; last !== offered;) {
    last = offered;
    for (let i = 0; i < 200; i++) await place.serves();
  }
  const { queuedBytes, bytesReceived, bytesSent } = session.stats;
  assert(queuedBytes > 0);
  // highWaterMark and one message, and the bytes that the reader has read ahead.
  assertLess(queuedBytes, 128 * KIB + 10_004);
  assertLess(bytesReceived - bytesSent - queuedBytes, 256 * KIB);
  hostile.abort();
  await rejection(writing);
  console.log(
    `${offered} bytes offered, ${bytesSent} answered, ${queuedBytes} queued`,
  );
});

Deno.test("sends to a peer that never reads wait, and disconnect() reports the unsent bytes", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  assert(listener.address.transport === "tcp");
  const peer = jsonPeer({ closeTimeout: 20, highWaterMark: 10_000 });
  const [hostile] = await Promise.all([
    tcp(listener.address).connect(),
    peer.accept(listener),
  ]);
  const message = "x".repeat(1000);
  let sent = 0;
  const sending = (async () => {
    for (;; sent++) await peer.send(message);
  })();
  sending.catch(() => {});
  const idle = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  for (let last = -1; last !== sent;) {
    last = sent;
    await idle();
  }
  const { queuedBytes } = peer.stats;
  assertLess(queuedBytes, 10_000 + 1003);
  const error = await rejection(peer.disconnect());
  assertInstanceOf(error, FlushTimeoutError);
  assertEquals(error.unsentBytes, queuedBytes);
  await rejection(sending);
  hostile.abort();
});

Deno.test("2,000 silent connections take little memory, and others are served", async () => {
  const count = 2_000;
  await using server = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "silent_server.ts"],
    cwd: new URL(".", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).values();
  const line = async () => JSON.parse(String((await lines.next()).value));
  const stdin = server.stdin.getWriter();
  const status = async () => {
    await stdin.write(encode("?"));
    return await line();
  };
  const { port } = await line();
  const good = jsonPeer();
  await good.connect(tcp({ port }));
  const before = await status();
  const silent: Connection[] = [];
  for (let i = 0; i < count; i++) silent.push(await tcp({ port }).connect());
  await good.send("still here");
  assertEquals(
    (await good[Symbol.asyncIterator]().next()).value,
    "still here",
  );
  let after = await status();
  while (after.sessions < count + 1) after = await status();
  const perConnection = (after.rss - before.rss) / count;
  console.log(`${Math.ceil(perConnection / KIB)} KiB a silent connection`);
  assertLess(perConnection, 64 * KIB);
  for (const connection of silent) connection.abort();
  await good.disconnect();
  await stdin.close();
  await lines.return?.();
});

Deno.test("1,000 TLS clients that never finish their handshake do not delay others, and are disconnected", async () => {
  const { ca, server } = await certificates();
  const refused: unknown[] = [];
  const options = { hostname: "127.0.0.1", port: 0, caCerts: [ca] };
  await using listener = await tls({
    ...options,
    ...server,
    handshakeTimeout: 2_000,
    onHandshakeError: (error) => refused.push(error),
  }).listen();
  assert("port" in listener.address);
  const { port } = listener.address;
  const serving = (async () => {
    for await (const far of listener) {
      await far.writable.getWriter().write(encode("hello"));
      await far.close();
    }
  })();
  const silent: Connection[] = [];
  for (let i = 0; i < 1_000; i++) silent.push(await tcp({ port }).connect());
  // Half a handshake is not better than none.
  for (const { writable } of silent.slice(500)) {
    await writable.getWriter().write(Uint8Array.of(22, 3, 1, 1, 0, 1));
  }
  for (let i = 0; i < 10; i++) {
    await using near = await tls({ ...options, port }).connect();
    const { value } = await near.readable.getReader().read();
    assertEquals(value, encode("hello"));
  }
  for (const { readable } of silent) {
    await readable.getReader().read().then(
      ({ done }) => assert(done),
      (error) => assertInstanceOf(error, Deno.errors.ConnectionReset),
    );
  }
  assertEquals(refused.length, 1_000);
  for (const connection of silent) connection.abort();
  await listener.close();
  await serving;
});
