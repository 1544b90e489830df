import { noise, send } from "../_util/bytes.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  toBytes,
} from "../_deps.ts";
import { rejection } from "../_util/rejection.ts";
import type { Suite } from "./suite.ts";

const MIB = 1024 * 1024;

/** The laws of how a connection ends. */
export function endLaws(suite: Suite): void {
  suite.law("close() loses nothing that was written", async (near, far) => {
    const bytes = noise(8 * MIB);
    const writer = near.writable.getWriter();
    const written = writer.write(bytes);
    const closed = near.close();
    const received = await toBytes(far.readable);
    await Promise.all([written, closed]);
    suite.same(received, bytes);
  });

  suite.law(
    "close() loses nothing while the peer is sending",
    async (near, far) => {
      const bytes = noise(MIB / 4);
      const farWriter = far.writable.getWriter();
      const farWrites = (async () => {
        for (;;) await farWriter.write(noise(10_000));
      })();
      farWrites.catch(() => {});
      await near.readable.getReader().read();
      const written = near.writable.getWriter().write(bytes);
      const closed = near.close();
      const received = await toBytes(far.readable);
      await Promise.all([written, closed]);
      suite.same(received, bytes);
      await assertRejects(() => farWrites);
    },
  );

  suite.law(
    "close() does not spoil a close of the writer",
    async (near, far) => {
      const writer = near.writable.getWriter();
      const ended = [writer.write(noise(MIB)), writer.close(), near.close()];
      assertEquals((await toBytes(far.readable)).length, MIB);
      await Promise.all(ended);
    },
  );

  suite.law(
    "close() can be called at once, again, and by using",
    async (near) => {
      await Promise.all([near.close(), near.close()]);
      await near.close();
      await near[Symbol.asyncDispose]();
    },
  );

  suite.law("close() ends what our reads wait for", async (near) => {
    const read = near.readable.getReader({ mode: "byob" })
      .read(new Uint8Array(8));
    await near.close();
    assert((await read).done);
  });

  suite.law("after close() our reads end and our writes fail", async (near) => {
    await near.close();
    assert((await near.readable.getReader().read()).done);
    await assertRejects(() => near.writable.getWriter().write(noise(1)));
  });

  suite.law(
    "writes to a closed peer fail, and stay failed",
    async (near, far) => {
      await near.close();
      const writer = far.writable.getWriter();
      const error = await assertRejects(async () => {
        for (;;) await writer.write(noise(1000));
      });
      assertInstanceOf(error, Error);
      await assertRejects(() => writer.write(noise(1)));
    },
  );

  suite.law("abort() wakes a pending read with its reason", async (near) => {
    const reason = new Error("enough");
    const read = near.readable.getReader({ mode: "byob" })
      .read(new Uint8Array(8));
    near.abort(reason);
    assertStrictEquals(await rejection(read), reason);
  });

  suite.law(
    "abort() wakes pending writes with its reason",
    async (near, far) => {
      const reason = { not: "an error" };
      const writer = near.writable.getWriter();
      const writes = [1, 2].map(() =>
        rejection(writer.write(new Uint8Array(32 * MIB)))
      );
      await far.readable.getReader().read();
      near.abort(reason);
      for (const write of writes) assertStrictEquals(await write, reason);
    },
  );

  suite.law(
    "after abort() reads and writes fail with its reason",
    async (near) => {
      const reason = new Error("enough");
      near.abort(reason);
      near.abort(new Error("too late"));
      assertStrictEquals(
        await rejection(near.readable.getReader().read()),
        reason,
      );
      const writer = near.writable.getWriter();
      assertStrictEquals(await rejection(writer.write(noise(1))), reason);
      await near.close();
    },
  );

  suite.law("abort() without a reason is an AbortError", async (near) => {
    near.abort();
    const error = await rejection(near.readable.getReader().read());
    assertInstanceOf(error, DOMException);
    assertEquals(error.name, "AbortError");
  });

  suite.law(
    "abort() ends a close() that a stalled peer holds up",
    async (near) => {
      const reason = new Error("enough");
      const written = rejection(
        near.writable.getWriter().write(new Uint8Array(32 * MIB)),
      );
      const closed = near.close();
      near.abort(reason);
      await closed;
      assertStrictEquals(await written, reason);
    },
  );

  suite.law("abort() after close() takes nothing back", async (near, far) => {
    await near.writable.getWriter().write(noise(5));
    await near.close();
    near.abort();
    assertEquals(await toBytes(far.readable), noise(5));
  });

  suite.law(
    "abort() ends the peer's reads and writes too",
    async (near, far) => {
      near.abort();
      const reader = far.readable.getReader();
      await reader.read().then(({ done }) => assert(done), () => {});
      const writer = far.writable.getWriter();
      await assertRejects(async () => {
        for (;;) await writer.write(noise(1000));
      });
    },
  );

  suite.law(
    "aborting the writer wakes its pending write",
    async (near, far) => {
      const reason = new Error("enough");
      const writer = near.writable.getWriter();
      const written = rejection(writer.write(new Uint8Array(32 * MIB)));
      await far.readable.getReader().read();
      await writer.abort(reason);
      assertStrictEquals(await written, reason);
    },
  );

  suite.law(
    "cancelling the reader leaves our writing whole",
    async (near, far) => {
      const bytes = noise(MIB);
      await near.readable.cancel();
      const [received] = await Promise.all([
        toBytes(far.readable),
        send(near.writable, bytes),
      ]);
      suite.same(received, bytes);
    },
    "half-close",
  );

  suite.law(
    "aborting the writer is abort(), with or without a write that is pending",
    async (near, far) => {
      const reason = new Error("enough");
      const read = rejection(near.read(new Uint8Array(8)));
      await near.writable.abort(reason);
      assertStrictEquals(await read, reason);
      assertStrictEquals(await rejection(near.closed), reason);
      const writer = far.writable.getWriter();
      await assertRejects(async () => {
        for (;;) await writer.write(noise(1000));
      });
    },
  );

  suite.law(
    "a pipe whose source fails ends the connection with the source's error",
    async (near, far) => {
      const reason = new Error("source failed");
      const source = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(noise(100));
          controller.error(reason);
        },
      }, { highWaterMark: 0 });
      const received = toBytes(far.readable).catch(() => {});
      assertStrictEquals(await rejection(source.pipeTo(near.writable)), reason);
      assertStrictEquals(await rejection(near.closed), reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(1))), reason);
      await received;
    },
  );

  suite.law(
    "a chunk that is not bytes fails the writer with a TypeError that names its type, and ends the connection",
    async (near, far) => {
      const writer: WritableStreamDefaultWriter = near.writable.getWriter();
      const error = await rejection(writer.write("text"));
      assertInstanceOf(error, TypeError);
      assertStringIncludes(error.message, "String");
      assertStrictEquals(await rejection(near.closed), error);
      await toBytes(far.readable).catch(() => {});
    },
  );

  for (const how of ["close", "abort", "abort of the writer", "cancel"]) {
    suite.law(
      `${how} of a connection not in use leaves no rejection unhandled`,
      async (near, far) => {
        for (const { readable, writable } of [near, far]) {
          readable.getReader().releaseLock();
          writable.getWriter().releaseLock();
        }
        const reason = new Error("enough");
        if (how === "close") await near.close();
        else if (how === "abort") near.abort(reason);
        else if (how === "cancel") await near.readable.cancel(reason);
        else await near.writable.abort(reason);
      },
    );
  }
}
