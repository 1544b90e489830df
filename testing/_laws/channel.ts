import type { Connection } from "../../transports/transport.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
  concat,
} from "../_deps.ts";
import { noise, readExactly } from "../_util/bytes.ts";
import { rejection } from "../_util/rejection.ts";
import type { Suite } from "./suite.ts";

const MIB = 1024 * 1024;

/** The laws of read(), write(), closeWrite() and closed. */
export function channelLaws(suite: Suite): void {
  suite.law(
    "read() and write() carry a MiB each way at once, each to its end",
    async (near, far) => {
      const there = noise(MIB, 1);
      const back = noise(MIB, 2);
      const [receivedThere, receivedBack] = await Promise.all([
        readAll(far),
        readAll(near),
        writeAll(near, there),
        writeAll(far, back),
      ]);
      suite.same(receivedThere, there);
      suite.same(receivedBack, back);
    },
    "half-close",
  );

  suite.law("closeWrite() leaves reading as it is", async (near, far) => {
    await Promise.all([near.closeWrite(), near.closeWrite()]);
    assertEquals(await far.read(new Uint8Array(1)), null);
    assertEquals(await far.read(new Uint8Array(1)), null);
    const written = far.write(noise(1));
    const into = new Uint8Array(1);
    assertEquals(await near.read(into), 1);
    suite.same(into, noise(1));
    await written;
  }, "half-close");

  suite.law(
    "closeWrite() loses nothing of a write that is pending",
    async (near, far) => {
      const bytes = noise(8 * MIB);
      const ended = [near.write(bytes), near.closeWrite()];
      suite.same(await readAll(far), bytes);
      await Promise.all(ended);
      assertInstanceOf(await rejection(near.write(noise(1))), Error);
    },
  );

  suite.law(
    "a read() beside a pending one rejects, and harms nothing",
    async (near, far) => {
      const into = new Uint8Array(8);
      const read = near.read(into);
      const error = await rejection(near.read(new Uint8Array(8)));
      assertInstanceOf(error, TypeError);
      await far.write(noise(5));
      assertEquals(await read, 5);
      suite.same(into.subarray(0, 5), noise(5));
    },
  );

  suite.law(
    "a write() beside a pending one rejects, and harms nothing",
    async (near, far) => {
      const bytes = noise(8 * MIB);
      const written = near.write(bytes);
      assertInstanceOf(await rejection(near.write(noise(1))), TypeError);
      const received = readAll(far);
      await written;
      await near.closeWrite();
      suite.same(await received, bytes);
    },
  );

  suite.law(
    "a read() while readable is locked rejects, and harms nothing",
    async (near, far) => {
      const reader = near.readable.getReader({ mode: "byob" });
      const error = await rejection(near.read(new Uint8Array(8)));
      assertInstanceOf(error, TypeError);
      const read = readExactly(reader, 5);
      assertInstanceOf(
        await rejection(near.read(new Uint8Array(8))),
        TypeError,
      );
      await far.write(noise(5));
      suite.same(await read, noise(5));
      reader.releaseLock();
      await far.write(noise(7));
      const into = new Uint8Array(8);
      assertEquals(await near.read(into), 7);
      suite.same(into.subarray(0, 7), noise(7));
    },
  );

  suite.law(
    "a write() or closeWrite() while writable is locked rejects, and harms nothing",
    async (near, far) => {
      const writer = near.writable.getWriter();
      assertInstanceOf(await rejection(near.write(noise(1))), TypeError);
      assertInstanceOf(await rejection(near.closeWrite()), TypeError);
      await writer.write(noise(3));
      writer.releaseLock();
      await near.write(noise(6).subarray(3));
      await near.closeWrite();
      suite.same(await readAll(far), noise(6));
    },
  );

  suite.law(
    "an EOF that a stream has read for a reader that left goes to read()",
    async (near, far) => {
      await readAndLeave(near, far);
      const read = near.read(new Uint8Array(8));
      await far.closeWrite();
      assertEquals(await read, null);
    },
  );

  suite.law(
    "bytes that a stream has read for a reader that left go to read()",
    async (near, far) => {
      await readAndLeave(near, far);
      const sent = noise(100);
      const first = far.write(sent.subarray(0, 50));
      const received: Uint8Array[] = [];
      let length = 0;
      const read = async () => {
        const into = new Uint8Array(7);
        const count = await near.read(into);
        assert(count, "The bytes have not arrived");
        received.push(into.subarray(0, count));
        length += count;
      };
      while (length < 50) await read();
      await first;
      const second = far.write(sent.subarray(50));
      while (length < 100) await read();
      await second;
      suite.same(concat(received), sent);
    },
  );

  suite.law(
    "bytes of another type are refused with a TypeError that names it",
    async (near, far) => {
      for (
        const [value, type] of [
          ["text", "String"],
          [[1, 2], "Array"],
          [new ArrayBuffer(4), "ArrayBuffer"],
          [null, "Null"],
        ]
      ) {
        const error = await rejection(
          near.write(value as unknown as Uint8Array),
        );
        assertInstanceOf(error, TypeError);
        assertStringIncludes(error.message, `${type}`);
        const wrong = await rejection(
          near.read(value as unknown as Uint8Array),
        );
        assertInstanceOf(wrong, TypeError);
        assertStringIncludes(wrong.message, `${type}`);
      }
      await near.write(noise(4));
      await near.closeWrite();
      suite.same(await readAll(far), noise(4));
    },
  );

  suite.law("close() ends a read() that is pending", async (near) => {
    const read = near.read(new Uint8Array(8));
    await near.close();
    assertEquals(await read, null);
  });

  suite.law("after close() read() ends and write() rejects", async (near) => {
    await near.close();
    assertEquals(await near.read(new Uint8Array(8)), null);
    assertInstanceOf(await rejection(near.write(noise(1))), Error);
  });

  suite.law("closed fulfils after close()", async (near) => {
    let settled = false;
    near.closed.then(() => settled = true, () => settled = true);
    await near.write(noise(1));
    assertEquals(settled, false);
    await near.close();
    await near.closed;
  });

  suite.law(
    "closed fulfils without close() when both directions have ended",
    async (near, far) => {
      await Promise.all([near.closeWrite(), far.closeWrite()]);
      assertEquals(await near.read(new Uint8Array(8)), null);
      await near.closed;
    },
    "half-close",
  );

  suite.law("closed rejects with the reason of abort()", async (near) => {
    const reason = { not: "an error" };
    near.abort(reason);
    assertStrictEquals(await rejection(near.closed), reason);
    await near.close();
  });

  suite.law(
    "abort() wakes a read() and a write() with its reason",
    async (near, far) => {
      const reason = new Error("enough");
      const read = rejection(near.read(new Uint8Array(8)));
      const write = rejection(near.write(new Uint8Array(32 * MIB)));
      await far.read(new Uint8Array(8));
      near.abort(reason);
      assertStrictEquals(await read, reason);
      assertStrictEquals(await write, reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
      assertStrictEquals(await rejection(near.write(noise(1))), reason);
      assertStrictEquals(await rejection(near.closeWrite()), reason);
    },
  );

  suite.law(
    "after abort() bytes that have arrived are not read",
    async (near, far) => {
      const reason = new Error("enough");
      const written = far.write(noise(20_000)).catch(() => {});
      await near.read(new Uint8Array(8));
      near.abort(reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
      await written;
    },
  );

  suite.law(
    "after abort() read() rejects with its reason, also behind the peer's end",
    async (near, far) => {
      const reason = new Error("enough");
      await far.closeWrite();
      assertEquals(await near.read(new Uint8Array(8)), null);
      near.abort(reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
    },
    "half-close",
  );

  suite.law("a read() into nothing takes nothing", async (near, far) => {
    await far.write(noise(6));
    await near.read(new Uint8Array(4));
    assertEquals(await near.read(new Uint8Array(0)), 0);
    const into = new Uint8Array(4);
    assertEquals(await near.read(into), 2);
    suite.same(into.subarray(0, 2), noise(6).subarray(4));
  });

  suite.law("a write() of nothing is not an end", async (near, far) => {
    await near.write(new Uint8Array(0));
    await near.write(noise(3));
    await near.closeWrite();
    suite.same(await readAll(far), noise(3));
  });
}

/** Writes everything from one buffer, which is used again, and ends. */
async function writeAll(
  connection: Connection,
  bytes: Uint8Array,
): Promise<void> {
  const buffer = new Uint8Array(50_000);
  for (let start = 0; start < bytes.length; start += buffer.length) {
    const chunk = bytes.subarray(start, start + buffer.length);
    buffer.set(chunk);
    await connection.write(buffer.subarray(0, chunk.length));
    buffer.fill(0);
  }
  await connection.closeWrite();
}

async function readAll(connection: Connection): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const into = new Uint8Array(40_009);
    const count = await connection.read(into);
    if (count === null) return concat(chunks);
    chunks.push(into.subarray(0, count));
  }
}

/** Leaves a stream that goes on to read for a reader. */
async function readAndLeave(near: Connection, far: Connection): Promise<void> {
  const reader = near.readable.getReader();
  const left = rejection(reader.read());
  // By the end of a round trip, the stream reads.
  await Promise.all([near.write(noise(1)), far.read(new Uint8Array(1))]);
  reader.releaseLock();
  assertInstanceOf(await left, TypeError);
}
