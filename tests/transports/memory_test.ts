import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { toBytes } from "@std/streams";
import fc from "fast-check";
import {
  memory,
  type MemoryOptions,
  memoryPair,
  type Transport,
} from "../../transports/mod.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { testTransport } from "../../testing/mod.ts";
import { turns } from "../support/turns.ts";

let transport: Transport;
testTransport("memory", {
  server: (address) => address ? transport : transport = memory(),
  client: () => transport,
});
testTransport(
  "memory with a buffer of 7 bytes",
  () => memoryPair({ highWaterMark: 7 }),
);

for (
  const [options, ErrorClass, message] of [
    [{ name: "" }, TypeError, 'name is ""'],
    [{ highWaterMark: 0 }, RangeError, "highWaterMark is 0"],
    [{ highWaterMark: 1.5 }, RangeError, "highWaterMark is 1.5"],
    [{ highWaterMark: NaN }, RangeError, "highWaterMark is NaN"],
    [{ name: 7 }, TypeError, "name is 7"],
    [{ highWaterMark: "1" }, TypeError, 'highWaterMark is "1"'],
  ] as [MemoryOptions, typeof TypeError, string][]
) {
  Deno.test(`memory() and memoryPair() refuse it when ${message}`, () => {
    assertThrows(() => memory(options), ErrorClass, message);
    assertThrows(() => memoryPair(options), ErrorClass, message);
  });
}

Deno.test("memory: a writer whose peer does not read fills the high-water mark, and waits", async () => {
  const [near, far] = memoryPair({ highWaterMark: 10_000 });
  const writer = near.writable.getWriter();
  let done = 0;
  const writes = Array.from({ length: 12 }, async () => {
    await writer.write(noise(1000));
    done++;
  });
  await turns();
  assertEquals(done, 10);
  const reader = far.readable.getReader({ mode: "byob" });
  await reader.read(new Uint8Array(999));
  await turns();
  assertEquals(done, 10);
  await reader.read(new Uint8Array(1));
  await turns();
  assertEquals(done, 11);
  await far.close();
  await assertRejects(() => Promise.all(writes), Deno.errors.BrokenPipe);
  await near.close();
});

Deno.test("memory: writes and reads of any sizes, in any order, keep the order of the bytes", async () => {
  const size = fc.integer({ min: 1, max: 40 });
  const step = fc.record({ write: fc.boolean(), size });
  await fc.assert(fc.asyncProperty(
    fc.integer({ min: 1, max: 20 }),
    fc.array(step, { maxLength: 50 }),
    async (highWaterMark, steps) => {
      const [near, far] = memoryPair({ highWaterMark });
      const writer = near.writable.getWriter();
      const reader = far.readable.getReader({ mode: "byob" });
      const bytes = noise(50 * 40);
      let written = 0;
      const received: Uint8Array[] = [];
      for (const { write, size } of steps) {
        if (write) {
          writer.write(bytes.subarray(written, written += size));
        } else {
          reader.read(new Uint8Array(size)).then(({ value }) =>
            received.push(value ?? new Uint8Array(0))
          );
        }
        await turns();
      }
      const ended = Promise.all([writer.close(), near.close()]);
      for (let done = false; !done;) {
        const result = await reader.read(new Uint8Array(7));
        received.push(result.value ?? new Uint8Array(0));
        done = result.done;
      }
      await ended;
      assertEquals(concat(received), bytes.subarray(0, written));
      await far.close();
    },
  ));
});

Deno.test("memory: a read takes a chunk that is larger than the buffer in one piece", async () => {
  const [near, far] = memoryPair({ highWaterMark: 10 });
  const written = near.writable.getWriter().write(noise(1000));
  const reader = far.readable.getReader({ mode: "byob" });
  assertEquals((await reader.read(new Uint8Array(1000))).value, noise(1000));
  await written;
  await near.close();
  await far.close();
});

Deno.test("memory: a read with a minimum waits for that many bytes", async () => {
  const [near, far] = memoryPair();
  const reader = far.readable.getReader({ mode: "byob" });
  const read = reader.read(new Uint8Array(100), { min: 10 });
  const writer = near.writable.getWriter();
  await writer.write(noise(10).subarray(0, 4));
  await writer.write(noise(10).subarray(4));
  assertEquals((await read).value, noise(10));
  await near.close();
  await far.close();
});

Deno.test("memory: an end within an element fails only the read of elements", async () => {
  const [near, far] = memoryPair();
  const read = far.readable.getReader({ mode: "byob" })
    .read(new Uint16Array(4));
  const writer = near.writable.getWriter();
  await writer.write(noise(1));
  await writer.close();
  await assertRejects(() => read, TypeError);
  await far.writable.getWriter().write(noise(1));
  assertEquals((await near.readable.getReader().read()).value, noise(1));
  await near.close();
  await far.close();
});

Deno.test("memory: after close() the peer reads to the end, and its writes fail", async () => {
  const [near, far] = memoryPair({ name: "demo", highWaterMark: 10 });
  const farWriter = far.writable.getWriter();
  const pending = farWriter.write(noise(1000));
  await near.writable.getWriter().write(noise(10));
  await near.close();
  for (const write of [pending, farWriter.write(noise(1))]) {
    await assertRejects(
      () => write,
      Deno.errors.BrokenPipe,
      "Write to memory:demo: the peer has stopped reading",
    );
  }
  assertEquals(await toBytes(far.readable), noise(10));
  await far.close();
});

Deno.test("memory: close() does not wait for a write that a closing writer has refused", async () => {
  const [near, far] = memoryPair({ highWaterMark: 1 });
  const writer = near.writable.getWriter();
  const ended = [writer.write(noise(10)), writer.close()];
  await assertRejects(() => writer.write(noise(1)), TypeError);
  const closed = near.close();
  assertEquals((await toBytes(far.readable)).length, 10);
  await Promise.all([...ended, closed]);
  await far.close();
});

Deno.test("memory: a write after close() is refused by name", async () => {
  const [near, far] = memoryPair({ name: "demo" });
  const writer = near.writable.getWriter();
  await near.close();
  await assertRejects(
    () => writer.write(noise(1)),
    Deno.errors.BadResource,
    "Write to memory:demo: the connection is closed",
  );
  await far.close();
});

Deno.test("memory: after abort() the peer's reads and writes see a reset", async () => {
  const [near, far] = memoryPair({ name: "demo", highWaterMark: 10 });
  const reader = far.readable.getReader();
  const read = reader.read();
  const writer = far.writable.getWriter();
  const write = writer.write(noise(1000));
  near.abort();
  for (const pending of [read, reader.read()]) {
    await assertRejects(
      () => pending,
      Deno.errors.ConnectionReset,
      "Read from memory:demo: the peer has reset the connection",
    );
  }
  for (const pending of [write, writer.write(noise(1))]) {
    await assertRejects(
      () => pending,
      Deno.errors.ConnectionReset,
      "Write to memory:demo: the peer has reset the connection",
    );
  }
  await far.close();
});

Deno.test("memory: aborting the writer resets the connection", async () => {
  const [near, far] = memoryPair();
  await near.writable.abort(new Error("enough"));
  await assertRejects(
    () => far.readable.getReader().read(),
    Deno.errors.ConnectionReset,
  );
  await assertRejects(() => far.write(noise(10)), Deno.errors.ConnectionReset);
  await near.close();
  await far.close();
});

Deno.test("memory: cancelling the reader fails the peer's writes", async () => {
  const [near, far] = memoryPair({ highWaterMark: 10 });
  const write = far.writable.getWriter().write(noise(1000));
  await near.readable.cancel();
  await assertRejects(() => write, Deno.errors.BrokenPipe);
  await near.close();
  await far.close();
});

Deno.test("memory: a chunk that is not bytes fails the write, and the peer sees a reset", async () => {
  const [near, far] = memoryPair({ name: "demo" });
  const writer: WritableStreamDefaultWriter = near.writable.getWriter();
  await assertRejects(
    () => writer.write("text"),
    TypeError,
    "chunk is String",
  );
  await assertRejects(() => toBytes(far.readable), Deno.errors.ConnectionReset);
  await near.close();
  await far.close();
});

Deno.test("memory: close() ends a pipe that waits for its source", async () => {
  const [near, far] = memoryPair();
  const source = new ReadableStream<Uint8Array>();
  const piped = source.pipeTo(near.writable);
  await near.close();
  await assertRejects(() => piped, Deno.errors.BadResource);
  await far.close();
});

Deno.test("memory: connect() reaches the listener of the same transport", async () => {
  const transport = memory({ name: "demo" });
  assertEquals(`${transport}`, "memory:demo");
  await using listener = await transport.listen();
  assertEquals(listener.address, { transport: "memory", name: "demo" });
  const [near, far] = await Promise.all([
    transport.connect(),
    listener.accept(),
  ]);
  await near.writable.getWriter().write(noise(10));
  await near.close();
  assertEquals(await toBytes(far.readable), noise(10));
  await far.close();
});

Deno.test("memory: two transports of one name are independent", async () => {
  await using _listener = await memory({ name: "demo" }).listen();
  await assertRejects(
    () => memory({ name: "demo" }).connect(),
    Deno.errors.ConnectionRefused,
    "Connect to memory:demo: nobody listens",
  );
});

Deno.test("memory: a second listener is refused until the first is closed", async () => {
  const transport = memory({ name: "demo" });
  const first = await transport.listen();
  await assertRejects(
    () => transport.listen(),
    Deno.errors.AddrInUse,
    "Listen at memory:demo: the address is in use",
  );
  await first.close();
  const second = await transport.listen();
  await first.close();
  await assertRejects(() => transport.listen(), Deno.errors.AddrInUse);
  await second.close();
});

Deno.test("memory: connections wait for accept() in order", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  for (let i = 0; i < 3; i++) {
    const near = await transport.connect();
    await near.writable.getWriter().write(new Uint8Array([i]));
    await near.close();
  }
  for (let i = 0; i < 3; i++) {
    await using far = await listener.accept();
    assertEquals(await toBytes(far.readable), new Uint8Array([i]));
  }
});

Deno.test("memory: close() of a listener ends pending accepts and unaccepted connections", async () => {
  const transport = memory({ name: "demo" });
  const listener = await transport.listen();
  const accepts = [listener.accept(), listener.accept()];
  const iteration = listener[Symbol.asyncIterator]().next();
  await Promise.all([listener.close(), listener.close()]);
  accepts.push(listener.accept());
  for (const accept of accepts) {
    await assertRejects(
      () => accept,
      Deno.errors.BadResource,
      "Accept at memory:demo: the listener is closed",
    );
  }
  assert((await iteration).done);

  const again = await transport.listen();
  await using near = await transport.connect();
  await again.close();
  await assertRejects(
    () => near.readable.getReader().read(),
    Deno.errors.ConnectionReset,
  );
});
