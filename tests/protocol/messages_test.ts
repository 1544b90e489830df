import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toBytes } from "@std/streams";
import {
  AsyncProtocol,
  type Codec,
  type CodecInput,
  DecodeError,
  EndOfStreamError,
  lines,
  MessageTooLargeError,
  Peer,
  type ProtocolError,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { runningPeer, write } from "../support/protocol/session.ts";

type Broken = [
  string,
  string | Uint8Array,
  new (...args: never[]) => ProtocolError,
];

Deno.test("message n's handler is done before message n+1's begins", async () => {
  const events: string[] = [];
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = Promise.withResolvers<void>();
  class Slow extends AsyncProtocol<string> {
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override async onMessage(line: string): Promise<void> {
      events.push(`begin ${line}`);
      await gates[Number(line)]?.promise;
      events.push(`end ${line}`);
      if (line === "1") done.resolve();
    }
  }
  const [near, far] = memoryPair();
  await using slow = new Slow();
  await slow.connect(near);
  await write(far, "0\n1\n");
  gates[1]?.resolve();
  gates[0]?.resolve();
  await done.promise;
  assertEquals(events, ["begin 0", "end 0", "begin 1", "end 1"]);
  await far.close();
});

for (
  const [what, bytes, errorClass] of <Broken[]> [
    ["a message over the limit", "x".repeat(70_000), MessageTooLargeError],
    ["a truncated message", '{"a":', TruncatedMessageError],
    ["a malformed message", "{]\n", DecodeError],
    ["bad UTF-8", new Uint8Array([0x22, 0xff, 0x22, 0x0a]), DecodeError],
  ]
) {
  Deno.test(`${what} ends the session with ${errorClass.name}`, async () => {
    const { peer, remote } = await runningPeer();
    const draining = toBytes(remote.readable).catch(() => {});
    await write(remote, bytes);
    const ended = remote.writable.close().catch(() => {});
    const error = await peer.closed.catch((error) => error);
    assertInstanceOf(error, errorClass);
    await assertRejects(() => peer.disconnect(), errorClass);
    assertStrictEquals(
      await peer[Symbol.asyncIterator]().next().catch((error) => error),
      error,
    );
    await ended;
    await draining;
    await remote.close();
  });
}

Deno.test("the codec gets maxMessageBytes", async () => {
  const { peer, remote } = await runningPeer({ maxMessageBytes: 10 });
  await write(remote, '"0123456789"\n');
  const error = await assertRejects(() => peer.closed, MessageTooLargeError);
  assertEquals(error.limit, 10);
  await assertRejects(() => peer.disconnect(), MessageTooLargeError);
  await remote.close();
});

/** A codec that stays at the front of its input. */
function stuck(method: "decode" | "end"): Codec<string> {
  let left = 10;
  return {
    decode: () => undefined,
    encode: () => {},
    [method]: ({ length }: CodecInput) =>
      length > 0 && left-- > 0 ? "again" : undefined,
  };
}

for (const method of ["decode", "end"] as const) {
  Deno.test(`${method}() that returns a message and consumes nothing ends the session`, async () => {
    const [near, far] = memoryPair();
    const peer = new Peer({ codec: () => stuck(method) });
    await peer.connect(near);
    await write(far, "one");
    await far.close();
    const error = await rejection(peer.closed);
    const message =
      `Cannot decode: ${method}() has returned a message and consumed nothing`;
    assertEquals(String(error), `Error: ${message}`);
    assertStrictEquals(await rejection(peer.receive()), error);
    assertStrictEquals(await rejection(peer.disconnect()), error);
  });
}

Deno.test("end() may give one message when no byte is left, and a second one ends the session", async () => {
  const kept = ["first", "second"];
  const [near, far] = memoryPair();
  const peer = new Peer({
    codec: () => ({
      decode: () => undefined,
      end: () => kept.shift(),
      encode: () => {},
    }),
  });
  await peer.connect(near);
  await far.close();
  assertEquals(await peer.receive(), "first");
  const error = await rejection(peer.closed);
  const message =
    "Cannot decode: end() has returned a message and consumed nothing";
  assertEquals(String(error), `Error: ${message}`);
  assertStrictEquals(await rejection(peer.disconnect()), error);
});

Deno.test("filters see each message, inbound and outbound, in negotiation too", async () => {
  class Shouting extends AsyncProtocol<string> {
    readonly heard: string[] = [];
    readonly three = Promise.withResolvers<void>();
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override async negotiate(): Promise<void> {
      this.heard.push(await this.receive());
      await this.send("hello");
    }
    protected override filterInbound(line: string): string {
      return `<${line}`;
    }
    protected override filterOutbound(line: string): string {
      return line.toUpperCase();
    }
    protected override onMessage(line: string): void {
      this.heard.push(line);
      if (this.heard.length === 3) this.three.resolve();
    }
  }
  const [near, far] = memoryPair();
  await write(far, "one\ntwo\nthree\n");
  const shouting = new Shouting();
  await shouting.connect(near);
  await shouting.three.promise;
  assertEquals(shouting.heard, ["<one", "<two", "<three"]);
  await shouting.disconnect();
  assertEquals(
    new TextDecoder().decode(await toBytes(far.readable)),
    "HELLO\n",
  );
  await far.close();
});

Deno.test("if isOrderlyEnd() returns true, the peer's end is orderly", async () => {
  class Expecting extends AsyncProtocol<string> {
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override isOrderlyEnd(cause: unknown): boolean {
      return cause instanceof EndOfStreamError;
    }
  }
  const [near, far] = memoryPair();
  const protocol = new Expecting();
  await protocol.connect(near);
  await far.close();
  await protocol.closed;
  assertInstanceOf(protocol.signal.reason, EndOfStreamError);
  assertEquals(protocol.runstate, "disconnecting");
  await protocol.disconnect();
});

Deno.test("stats count messages and bytes each way, and the last activity", async () => {
  const { peer, remote } = await runningPeer();
  assertEquals(peer.stats.lastActivity, undefined);
  const before = new Date();
  await peer.send([1]);
  await peer.flush();
  await write(remote, "[2]\n[3]\n");
  for await (const message of peer) {
    if (Array.isArray(message) && message[0] === 3) break;
  }
  const { lastActivity, ...counts } = peer.stats;
  assertEquals(counts, {
    messagesReceived: 2,
    messagesSent: 1,
    bytesReceived: 8,
    bytesSent: 4,
    queuedBytes: 0,
    blockedMs: 0,
  });
  assert(lastActivity && lastActivity >= before && lastActivity <= new Date());
  await peer.disconnect();
  await remote.close();
});
