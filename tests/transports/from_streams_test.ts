import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { jsonLines, Peer } from "../../protocol/mod.ts";
import { testTransport } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  type Address,
  formatAddress,
  fromStreams,
  memoryPair,
  type StreamPair,
} from "../../transports/mod.ts";

testTransport("the streams of memory", () => {
  const [near, far] = memoryPair();
  return [
    fromStreams(near, { abort: (reason) => near.abort(reason) }),
    fromStreams(far, { abort: (reason) => far.abort(reason) }),
  ];
});

testTransport("streams that are not byte streams", () => {
  const plain = ({ readable, writable }: StreamPair) => ({
    readable: new ReadableStream(reading(readable)),
    writable,
  });
  const [near, far] = memoryPair();
  return [
    fromStreams(plain(near), { abort: (reason) => near.abort(reason) }),
    fromStreams(plain(far), { abort: (reason) => far.abort(reason) }),
  ];
});

function reading(
  readable: ReadableStream<Uint8Array>,
): UnderlyingDefaultSource<Uint8Array> {
  const reader = readable.getReader();
  return {
    async pull(controller) {
      const { value } = await reader.read();
      if (value) controller.enqueue(value);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

Deno.test("fromStreams() runs a session over a child process", async () => {
  const process = new Deno.Command("cat", { stdin: "piped", stdout: "piped" })
    .spawn();
  const peer = new Peer({ codec: jsonLines });
  await peer.connect({ readable: process.stdout, writable: process.stdin });
  await peer.send([1, 2, 3]);
  const { value } = await peer[Symbol.asyncIterator]().next();
  assertEquals(value, [1, 2, 3]);
  await peer.disconnect();
  assert((await process.status).success);
});

Deno.test("fromStreams() writes copies: a chunk that a stream passes on does not change", async () => {
  const connection = fromStreams(
    new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
      highWaterMark: 10,
    }),
  );
  const buffer = new Uint8Array([1]);
  await connection.write(buffer);
  buffer[0] = 2;
  await connection.write(buffer);
  const into = new Uint8Array(1);
  await connection.read(into);
  assertEquals(into[0], 1);
  connection.abort();
});

Deno.test("fromStreams() reads chunks of any BufferSource, and fails for others with their type", async () => {
  const chunks = [
    new Uint8Array([1]).buffer,
    new DataView(new Uint8Array([0, 2, 3]).buffer, 1),
    new Uint8Array(0),
    "text",
  ];
  const readable = ReadableStream.from(
    chunks,
  ) as unknown as ReadableStream<Uint8Array>;
  const connection = fromStreams({ readable, writable: new WritableStream() });
  const into = new Uint8Array(8);
  assertEquals(await connection.read(into), 1);
  assertEquals(await connection.read(into), 2);
  assertEquals(into.subarray(0, 2), new Uint8Array([2, 3]));
  await assertRejects(() => connection.read(into), TypeError, "String");
  await connection.close();
});

Deno.test("fromStreams(): a chunk that is undefined fails the reading, and is not its end", async () => {
  const readable = ReadableStream.from(
    [undefined, new Uint8Array(3)],
  ) as unknown as ReadableStream<Uint8Array>;
  const connection = fromStreams({ readable, writable: new WritableStream() });
  await assertRejects(
    () => connection.read(new Uint8Array(8)),
    TypeError,
    "chunk is Undefined, expected a Uint8Array",
  );
  await connection.close();
});

Deno.test("fromStreams(): closed settles also if the option abort throws", async () => {
  const connection = fromStreams(new TransformStream(), {
    abort() {
      throw new Error("cannot release");
    },
  });
  const reason = new Error("enough");
  const read = rejection(connection.read(new Uint8Array(1)));
  connection.abort(reason);
  assertStrictEquals(await read, reason);
  assertStrictEquals(await rejection(connection.closed), reason);
});

Deno.test("fromStreams(): close() waits for the option close, and closed for the option abort", async () => {
  for (const how of ["close", "abort"] as const) {
    const released = Promise.withResolvers<void>();
    let done = false;
    const connection = fromStreams(new TransformStream(), {
      [how]: () => released.promise,
    });
    const reason = new Error("enough");
    const ended = how === "close"
      ? connection.close()
      : (connection.abort(reason), rejection(connection.closed));
    ended.then(() => done = true);
    for (let turn = 0; turn < 50; turn++) await null;
    assertEquals(done, false);
    released.resolve();
    if (how === "abort") assertStrictEquals(await ended, reason);
    await ended;
  }
});

Deno.test("fromStreams(): abort() wakes a write whose sink never takes it", async () => {
  const connection = fromStreams({
    readable: new ReadableStream(),
    writable: new WritableStream({ write: () => new Promise(() => {}) }),
  });
  const reason = new Error("enough");
  const read = rejection(connection.read(new Uint8Array(1)));
  const write = rejection(connection.write(new Uint8Array(1)));
  connection.abort(reason);
  assertStrictEquals(await read, reason);
  assertStrictEquals(await write, reason);
  await connection.close();
});

Deno.test("fromStreams(): the error of a stream is the error of the read and of the write", async () => {
  const broken = new Error("broken");
  const connection = fromStreams({
    readable: new ReadableStream({ pull: () => Promise.reject(broken) }),
    writable: new WritableStream({ write: () => Promise.reject(broken) }),
  });
  assertStrictEquals(
    await rejection(connection.read(new Uint8Array(1))),
    broken,
  );
  assertStrictEquals(
    await rejection(connection.write(new Uint8Array(1))),
    broken,
  );
  await connection.close();
});

Deno.test("fromStreams() refuses a pair that is missing a stream, or has one in use", () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  for (
    const [pair, message] of [
      [undefined, "readable is undefined"],
      [null, "readable is undefined"],
      [{}, "readable is undefined"],
      [{ readable }, "writable is undefined"],
      [{ readable: writable, writable: readable }, "readable is"],
    ] as unknown as [StreamPair, string][]
  ) assertThrows(() => fromStreams(pair), TypeError, message);
  const lock = readable.getReader();
  assertThrows(
    () => fromStreams({ readable, writable }),
    TypeError,
    "readable is locked",
  );
  assertEquals(writable.locked, false);
  lock.releaseLock();
  fromStreams({ readable, writable }).abort();
});

Deno.test("fromStreams() has addresses of any transport, which print themselves", async () => {
  const remoteAddress: Address = {
    transport: "pigeon",
    toString: () => "pigeon:north",
  };
  const connection = fromStreams(new TransformStream(), { remoteAddress });
  assertStrictEquals(connection.remoteAddress, remoteAddress);
  assertEquals(formatAddress(connection.remoteAddress), "pigeon:north");
  assertEquals(formatAddress(connection.localAddress), "streams:");
  assertEquals(formatAddress({ transport: "silent" }), "silent:");
  const error = await rejection(connection.read([] as unknown as Uint8Array));
  assertInstanceOf(error, TypeError);
  await connection.close();
});
