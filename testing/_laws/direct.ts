import type { Connection, DirectIO } from "../../transports/transport.ts";
import { noise } from "../_util/bytes.ts";
import { assertEquals, assertStrictEquals, concat } from "../_deps.ts";
import { rejection } from "../_util/rejection.ts";
import type { Suite } from "./suite.ts";

const MIB = 1024 * 1024;

/** The laws of reading and writing past the streams, for connections that can. */
export function directLaws(suite: Suite): void {
  /** A law of both ends, that holds of itself where there is no `direct`. */
  const law = (
    promise: string,
    check: (
      near: DirectIO,
      far: DirectIO,
      connection: Connection,
    ) => Promise<void>,
  ) =>
    suite.law(`where there is direct, ${promise}`, async (near, far) => {
      if (near.direct && far.direct) await check(near.direct, far.direct, near);
    });

  law(
    "it carries a MiB each way at once, each to its end",
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
  );

  law("its end() leaves reading as it is", async (near, far) => {
    await near.end();
    assertEquals(await far.read(new Uint8Array(1)), null);
    const written = far.write(noise(1));
    const into = new Uint8Array(1);
    assertEquals(await near.read(into), 1);
    suite.same(into, noise(1));
    await written;
  });

  law("close() ends what a read waits for", async (near, _, connection) => {
    const read = near.read(new Uint8Array(8));
    await connection.close();
    assertEquals(await read, null);
  });

  law("after close() writes fail", async (near, _, connection) => {
    await connection.close();
    await rejection(near.write(noise(1)));
  });

  law(
    "abort() wakes a read and a write with its reason",
    async (near, far, connection) => {
      const reason = new Error("enough");
      const read = rejection(near.read(new Uint8Array(8)));
      const write = rejection(near.write(new Uint8Array(32 * MIB)));
      await far.read(new Uint8Array(8));
      connection.abort(reason);
      assertStrictEquals(await read, reason);
      assertStrictEquals(await write, reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
      assertStrictEquals(await rejection(near.write(noise(1))), reason);
    },
  );

  law(
    "after abort() what has arrived is not read",
    async (near, far, connection) => {
      const reason = new Error("enough");
      const written = far.write(noise(20_000)).catch(() => {});
      await near.read(new Uint8Array(8));
      connection.abort(reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
      await written;
    },
  );

  law(
    "after abort() reads reject with its reason, also behind the peer's end",
    async (near, far, connection) => {
      const reason = new Error("enough");
      await far.end();
      assertEquals(await near.read(new Uint8Array(8)), null);
      connection.abort(reason);
      assertStrictEquals(await rejection(near.read(new Uint8Array(8))), reason);
    },
  );

  law("a read of nothing takes nothing", async (near, far) => {
    await far.write(noise(6));
    await near.read(new Uint8Array(4));
    assertEquals(await near.read(new Uint8Array(0)), 0);
    const into = new Uint8Array(4);
    assertEquals(await near.read(into), 2);
    suite.same(into.subarray(0, 2), noise(6).subarray(4));
  });
}

/** Writes everything from one buffer, which is used again, and ends. */
async function writeAll(direct: DirectIO, bytes: Uint8Array): Promise<void> {
  const buffer = new Uint8Array(50_000);
  for (let start = 0; start < bytes.length; start += buffer.length) {
    const chunk = bytes.subarray(start, start + buffer.length);
    buffer.set(chunk);
    await direct.write(buffer.subarray(0, chunk.length));
    buffer.fill(0);
  }
  await direct.end();
}

async function readAll(direct: DirectIO): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const into = new Uint8Array(40_009);
    const count = await direct.read(into);
    if (count === null) return concat(chunks);
    chunks.push(into.subarray(0, count));
  }
}
