import type { Connection } from "../../transports/transport.ts";
import { noise, readExactly, send } from "../_util/bytes.ts";
import {
  assert,
  assertEquals,
  assertLess,
  assertThrows,
  toBytes,
} from "../_deps.ts";
import type { Suite } from "./suite.ts";

const MIB = 1024 * 1024;

/** The laws of how bytes flow while a connection is open. */
export function flowLaws(suite: Suite): void {
  suite.law(
    "bytes arrive as they were sent, and then the end",
    async (near, far) => {
      const bytes = noise(MIB);
      const [received] = await Promise.all([
        toBytes(far.readable),
        send(near.writable, bytes),
      ]);
      suite.same(received, bytes);
    },
  );

  suite.law("each end answers the other in turn", async (near, far) => {
    const nearWriter = near.writable.getWriter();
    const farWriter = far.writable.getWriter();
    const nearReader = near.readable.getReader({ mode: "byob" });
    const farReader = far.readable.getReader({ mode: "byob" });
    for (let turn = 0; turn < 100; turn++) {
      const message = noise(turn + 1, turn);
      const asked = nearWriter.write(message);
      suite.same(await readExactly(farReader, turn + 1), message);
      const answered = farWriter.write(message);
      suite.same(await readExactly(nearReader, turn + 1), message);
      await Promise.all([asked, answered]);
    }
  });

  suite.law(
    "both directions carry a MiB at once in odd chunks",
    async (near, far) => {
      const there = noise(MIB, 1);
      const back = noise(MIB, 2);
      let size = 1;
      const oddSize = () => size = size * 31 % 40_009;
      const [receivedThere, receivedBack] = await Promise.all([
        toBytes(far.readable),
        toBytes(near.readable),
        send(near.writable, there, oddSize),
        send(far.writable, back, oddSize),
      ]);
      suite.same(receivedThere, there);
      suite.same(receivedBack, back);
    },
    "half-close",
  );

  suite.law(
    "2,000 small writes arrive whole and in order",
    async (near, far) => {
      const bytes = noise(2000 * 7);
      const received = toBytes(far.readable);
      const writer = near.writable.getWriter();
      await Promise.all(
        Array.from(
          { length: 2000 },
          (_, i) => writer.write(bytes.subarray(i * 7, i * 7 + 7)),
        ),
      );
      await writer.close();
      suite.same(await received, bytes);
    },
  );

  suite.law("writes made at once do not mix", async (near, far) => {
    const bytes = noise(4 * MIB);
    const received = toBytes(far.readable);
    const writer = near.writable.getWriter();
    const quarters = [0, 1, 2, 3].map((i) =>
      writer.write(bytes.subarray(i * MIB, (i + 1) * MIB))
    );
    await Promise.all([...quarters, writer.close()]);
    suite.same(await received, bytes);
  });

  suite.law(
    "reads made at once are served in their order",
    async (near, far) => {
      const bytes = noise(100);
      const reader = far.readable.getReader({ mode: "byob" });
      const reads = Array.from(
        { length: 10 },
        () => reader.read(new Uint8Array(10), { min: 10 }),
      );
      await near.writable.getWriter().write(bytes);
      for (const [i, { value }] of (await Promise.all(reads)).entries()) {
        suite.same(value, bytes.subarray(10 * i, 10 * (i + 1)));
      }
    },
  );

  suite.law("a stream that is in use is refused to others", async (near) => {
    near.readable.getReader();
    near.writable.getWriter();
    assertThrows(() => near.readable.getReader(), TypeError);
    assertThrows(() => near.writable.getWriter(), TypeError);
    await near.close();
  });

  suite.law(
    "a buffer can be used again once its write is done",
    async (near, far) => {
      const bytes = noise(MIB);
      const received = toBytes(far.readable);
      const writer = near.writable.getWriter();
      const buffer = new Uint8Array(50_000);
      for (let start = 0; start < bytes.length; start += buffer.length) {
        const chunk = bytes.subarray(start, start + buffer.length);
        buffer.set(chunk);
        await writer.write(buffer.subarray(0, chunk.length));
        buffer.fill(0);
      }
      await writer.close();
      suite.same(await received, bytes);
    },
  );

  suite.law("an empty write is not an end", async (near, far) => {
    const writer = near.writable.getWriter();
    await writer.write(new Uint8Array(0));
    await writer.write(new Uint8Array([1]));
    await writer.close();
    suite.same(await toBytes(far.readable), new Uint8Array([1]));
  });

  suite.law("a BYOB read is served into its own buffer", async (near, far) => {
    const reader = far.readable.getReader({ mode: "byob" });
    const buffer = new Uint8Array(100).buffer;
    const read = reader.read(new Uint8Array(buffer, 10, 20));
    await near.writable.getWriter().write(noise(5));
    const { value } = await read;
    suite.same(value, noise(5));
    assertEquals(value?.byteOffset, 10);
    assertEquals(value?.buffer.byteLength, 100);
  });

  suite.law("a read that is pending sees the peer's end", async (near, far) => {
    const byob = far.readable.getReader({ mode: "byob" });
    const plain = near.readable.getReader();
    const reads = [byob.read(new Uint8Array(8)), plain.read()];
    await Promise.all([near.writable.close(), far.writable.close()]);
    for (const { done } of await Promise.all(reads)) assert(done);
  }, "half-close");

  for (const role of ["connected", "accepted"]) {
    suite.law(
      `after a half-close of the end that has ${role}, 10 MiB come back`,
      async (...ends) => {
        const [near, far] = role === "connected" ? ends : ends.toReversed();
        assert(near && far);
        const bytes = noise(10 * MIB);
        await near.writable.close();
        assertEquals((await toBytes(far.readable)).length, 0);
        const [received] = await Promise.all([
          toBytes(near.readable),
          send(far.writable, bytes),
        ]);
        suite.same(received, bytes);
      },
      "half-close",
    );
  }

  suite.law(
    "a half-close during 8 MiB loses no byte of them",
    async (near, far) => {
      const bytes = noise(8 * MIB);
      const received = toBytes(far.readable);
      const writer = near.writable.getWriter();
      for (let start = 0; start < bytes.length; start += MIB / 4) {
        await writer.write(bytes.subarray(start, start + MIB / 4));
        if (start === 2 * MIB) {
          await far.writable.close();
          assert((await near.readable.getReader().read()).done);
        }
      }
      await writer.close();
      suite.same(await received, bytes);
    },
    "half-close",
  );

  suite.law(
    "a reader that stops stops the writer, and not the other direction",
    async (near, far) => {
      const chunk = noise(MIB);
      let total = 64;
      let taken = 0;
      const sent = (async () => {
        const writer = near.writable.getWriter();
        while (taken < total) {
          await writer.write(chunk);
          taken++;
        }
        await writer.close();
      })();
      await stalled(near, far, () => taken);
      assertLess(taken, total / 2);
      total = taken + 4; // enough to see that it goes on
      let received = 0;
      for await (const bytes of far.readable) received += bytes.length;
      await sent;
      assertEquals(received, total * MIB);
    },
    "backpressure",
  );

  suite.law(
    "the two ends have each other's addresses",
    async (near, far) => {
      assertEquals(near.remoteAddress, far.localAddress);
      assertEquals(near.localAddress.transport, near.remoteAddress.transport);
      await near.close();
    },
  );

  suite.test("50 connections at once keep apart", async () => {
    const transfers = [];
    for (let i = 0; i < 50; i++) {
      transfers.push(transfer(await suite.pair(), noise(100_000, i)));
    }
    await Promise.all(transfers);
  });

  async function transfer(
    [near, far]: readonly [Connection, Connection],
    bytes: Uint8Array,
  ): Promise<void> {
    const [received] = await Promise.all([
      toBytes(far.readable),
      send(near.writable, bytes),
    ]);
    suite.same(received, bytes);
    await Promise.all([near.close(), far.close()]);
  }
}

/**
 * Resolves once a count has stayed the same while the direction from `far` to
 * `near`, which is free, carried a byte many times.
 */
async function stalled(
  near: Connection,
  far: Connection,
  count: () => number,
): Promise<void> {
  const reader = near.readable.getReader();
  const writer = far.writable.getWriter();
  let last = -1;
  while (last !== count()) {
    last = count();
    for (let turn = 0; turn < 200; turn++) {
      await writer.write(new Uint8Array(1));
      await reader.read();
    }
  }
}
