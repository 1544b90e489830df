import { assertEquals, assertInstanceOf, assertLessOrEqual } from "@std/assert";
import {
  type Codec,
  contentLength,
  jsonLines,
  lengthPrefixed,
  lines,
  MessageTooLargeError,
  netstrings,
  Peer,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";

const MIB = 1024 * 1024;

/** A codec without a limit, whose messages have a fixed number of bytes. */
function unlimited(size: number): Codec<number, never> {
  return {
    decode(input) {
      if (input.length < size) return undefined;
      input.consume(size);
      return size;
    },
    encode() {},
  };
}

Deno.test("a session bounds its buffer if its codec never returns a message", async () => {
  const [near, far] = memoryPair();
  const peer = new Peer({
    codec: () => unlimited(Infinity),
    maxMessageBytes: 1_000,
  });
  await peer.connect(near);
  const writing = (async () => {
    for (let n = 0; n < 64; n++) await write(far, new Uint8Array(MIB));
  })();
  const cause = await rejection(peer.closed);
  await rejection(writing);
  assertInstanceOf(cause, MessageTooLargeError);
  assertEquals([cause.limit, cause.offset], [1_000, 0]);
  const { bytesReceived } = peer.stats;
  console.log(`received of an endless message: ${bytesReceived} bytes`);
  assertLessOrEqual(bytesReceived, 1_000 + 8 * 1024 + 64 * 1024);
  await peer.disconnect().catch(() => {});
  far.abort();
});

Deno.test("a limit applies in negotiations too", async () => {
  class Negotiating extends Peer<number, never> {
    protected override async negotiate(): Promise<void> {
      await this.receive();
    }
  }
  const [near, far] = memoryPair();
  const peer = new Negotiating({
    codec: () => unlimited(Infinity),
    maxMessageBytes: 1_000,
  });
  const connecting = rejection(peer.connect(near));
  const writing = write(far, new Uint8Array(MIB));
  const error = await connecting;
  await writing.catch(() => {});
  assertInstanceOf((error as Error).cause, MessageTooLargeError);
  far.abort();
});

Deno.test("messages of exactly the limit come through every codec", async () => {
  const maxMessageBytes = 10_000;
  const text = "x".repeat(maxMessageBytes);
  const bytes = new TextEncoder().encode(text);
  await passes(text, () => lines({ maxMessageBytes }));
  await passes(text.slice(2), () => jsonLines<string>({ maxMessageBytes }));
  await passes(bytes, () => lengthPrefixed({ maxMessageBytes }));
  await passes(bytes, () => netstrings({ maxMessageBytes }));
  await passes(bytes, () => contentLength({ maxMessageBytes }));

  async function passes<T>(message: T, codec: () => Codec<T>): Promise<void> {
    const [near, far] = memoryPair();
    const sender = new Peer({ codec, maxMessageBytes });
    const receiver = new Peer({ codec, maxMessageBytes });
    await Promise.all([sender.connect(near), receiver.connect(far)]);
    for (let n = 0; n < 3; n++) sender.send(message);
    for (let n = 0; n < 3; n++) {
      assertEquals(await receiver.receive(), message);
    }
    await sender.disconnect();
    await receiver.disconnect().catch(() => {});
  }
});
