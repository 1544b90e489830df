import { noise, readExactly } from "../_util/bytes.ts";
import { assert, assertEquals, assertStrictEquals, toBytes } from "../_deps.ts";
import { rejection } from "../_util/rejection.ts";
import type { Suite } from "./suite.ts";

/** The laws of the streams that are derived from read() and write(). */
export function streamLaws(suite: Suite): void {
  suite.law("readable and writable are the same streams each time", (near) => {
    assertStrictEquals(near.readable, near.readable);
    assertStrictEquals(near.writable, near.writable);
    return Promise.resolve();
  });

  suite.law(
    "the streams go on where read() and write() have left off, and the reverse",
    async (near, far) => {
      const sent = noise(60);
      const write = async (from: number, to: number) => {
        const writer = near.writable.getWriter();
        await writer.write(sent.subarray(from, to));
        writer.releaseLock();
      };
      const read = async (count: number) => {
        const reader = far.readable.getReader({ mode: "byob" });
        const bytes = await readExactly(reader, count);
        reader.releaseLock();
        return bytes;
      };
      const into = new Uint8Array(10);
      for (let from = 0; from < sent.length; from += 20) {
        const direct = near.write(sent.subarray(from, from + 10));
        assertEquals(await far.read(into.subarray(0, 3)), 3);
        suite.same(await read(7), sent.subarray(from + 3, from + 10));
        await direct;
        const streamed = write(from + 10, from + 20);
        suite.same(await read(6), sent.subarray(from + 10, from + 16));
        assertEquals(await far.read(into.subarray(0, 4)), 4);
        await streamed;
      }
    },
  );

  suite.law(
    "a readable that is made behind the peer's end has ended",
    async (near, far) => {
      await far.closeWrite();
      assertEquals(await near.read(new Uint8Array(8)), null);
      await near.readable.getReader().closed;
    },
    "half-close",
  );

  suite.law(
    "a writable that is made after closeWrite() is closed",
    async (near, far) => {
      await near.closeWrite();
      await near.writable.getWriter().closed;
      assertEquals((await toBytes(far.readable)).length, 0);
    },
  );

  suite.law(
    "a writer sees it when closeWrite() has ended its stream",
    async (near) => {
      near.writable.getWriter().releaseLock();
      await near.closeWrite();
      await near.writable.getWriter().closed;
    },
  );

  suite.law(
    "streams that are made after close() have ended or fail",
    async (near) => {
      await near.close();
      const { done } = await near.readable.getReader().read();
      assert(done, "The readable has not ended");
      await rejection(near.writable.getWriter().write(noise(1)));
    },
  );

  suite.law(
    "streams that are made after abort() have failed with its reason",
    async (near) => {
      const reason = new Error("enough");
      near.abort(reason);
      assertStrictEquals(
        await rejection(near.readable.getReader().closed),
        reason,
      );
      assertStrictEquals(
        await rejection(near.writable.getWriter().closed),
        reason,
      );
    },
  );

  suite.law(
    "abort() fails streams that nobody reads or writes at that moment",
    async (near) => {
      const reason = new Error("enough");
      const reader = near.readable.getReader();
      const writer = near.writable.getWriter();
      near.abort(reason);
      assertStrictEquals(await rejection(reader.closed), reason);
      assertStrictEquals(await rejection(writer.closed), reason);
    },
  );

  suite.law(
    "a pipe that waits for its source is woken by close()",
    async (near) => {
      const source = new ReadableStream<Uint8Array>();
      const piped = rejection(source.pipeTo(near.writable));
      await near.close();
      assert(await piped instanceof Error);
    },
  );
}
