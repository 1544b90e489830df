import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { toBytes } from "@std/streams";
import { tcp } from "../../transports/mod.ts";
import { noise, readExactly } from "../../testing/_util/bytes.ts";
import { meet } from "../../testing/_laws/meet.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { kinds, place } from "../support/transports/tls_ends.ts";

for (const [name, kind] of Object.entries(kinds)) {
  for (const cutEnd of ["client", "server"] as const) {
    Deno.test(`${name}: the ${cutEnd} sees a cut as an error, not as an end`, async () => {
      await using listener = await kind.server().listen();
      await using relay = await tcp({ port: 0 }).listen();
      const connecting = kind.client(relay.address)
        .connect();
      await using near = await relay.accept();
      await using far = await tcp(place(listener.address)).connect();
      near.readable.pipeTo(far.writable, { preventClose: true }).catch(
        () => {},
      );
      far.readable.pipeTo(near.writable, { preventClose: true }).catch(
        () => {},
      );
      await using ends = new AsyncDisposableStack();
      const client = ends.use(await connecting);
      const server = ends.use(await listener.accept());
      const [end, side] = cutEnd === "client" ? [client, near] : [server, far];
      const read = rejection(end.readable.getReader().read());
      await side.close();
      const error = await read;
      assertInstanceOf(error, Deno.errors.UnexpectedEof);
      assertStringIncludes(
        error.message,
        `Read from tls://127.0.0.1:${place(end.remoteAddress).port}: `,
      );
      assertInstanceOf(error.cause, Deno.errors.UnexpectedEof);
      client.abort();
      server.abort();
    });
  }

  Deno.test(`${name}: bytes that arrived before a cut are read, also after a write has failed`, async () => {
    for (const swap of [false, true]) {
      const pair = await meet(kind);
      await using near = swap ? pair[1] : pair[0];
      await using far = swap ? pair[0] : pair[1];
      const sent = noise(1000);
      await far.writable.getWriter().write(sent);
      far.abort();
      const writer = near.writable.getWriter();
      await assertRejects(async () => {
        for (;;) await writer.write(noise(1000));
      });
      const reader = near.readable.getReader({ mode: "byob" });
      assertEquals(await readExactly(reader, 1000), sent);
      await assertRejects(() => reader.read(new Uint8Array(1)));
    }
  });

  Deno.test(`${name}: a client's bytes arrive, even if it closes at once`, async () => {
    await using listener = await kind.server().listen();
    const sent = noise(300_000);
    // Often enough that the server's own messages come after a close.
    for (let i = 0; i < 100; i++) {
      const [near, far] = await Promise.all([
        kind.client(listener.address).connect(),
        listener.accept(),
      ]);
      const written = near.writable.getWriter().write(sent);
      const closed = near.close();
      assertEquals((await toBytes(far.readable)).length, sent.length);
      await Promise.all([written, closed, far.close()]);
    }
  });

  for (const count of [0, 600]) {
    Deno.test(`${name}: ${count} bytes and the end are read that come with the end of the handshake`, async () => {
      await using listener = await kind.server().listen();
      const near = await kind.client(listener.address).connect();
      const sent = noise(count);
      await near.write(sent);
      // The server has not read the client's last message of the handshake yet.
      await near.close();
      await using far = await listener.accept();
      assertEquals(await toBytes(far.readable), sent);
    });
  }

  Deno.test(`${name}: bytes written before close() arrive, even if the process is suspended`, async () => {
    const [near, far] = await meet(kind);
    const writing = near.writable.getWriter().write(new Uint8Array(2 ** 21));
    const answering = (async () => {
      const writer = far.writable.getWriter();
      for (let i = 0; i < 60; i++) await writer.write(new Uint8Array(5000));
      await writer.close();
    })();
    const received = toBytes(far.readable);
    const closed = near.close();
    await new Promise((resolve) => setTimeout(resolve));
    // Longer than a closing connection waits for a peer that sends.
    const until = performance.now() + 600;
    while (performance.now() < until);
    assertEquals((await received).length, 2 ** 21);
    await Promise.all([writing, answering, closed, far.close()]);
  });

  for (const ender of ["client", "server"]) {
    Deno.test(`${name}: 8 MiB around the end of the ${ender} end in order`, async () => {
      const [near, far] = await meet(kind);
      await using _near = near;
      await using _far = far;
      const [quiet, talker] = ender === "client" ? [near, far] : [far, near];
      const received = toBytes(quiet.readable);
      const writer = talker.writable.getWriter();
      const sendHalf = async () => {
        for (let i = 0; i < 64; i++) await writer.write(new Uint8Array(65536));
      };
      await sendHalf();
      await quiet.writable.close();
      assertEquals((await toBytes(talker.readable)).length, 0);
      await sendHalf();
      // The connection is released then, with its last bytes on the way.
      await writer.close();
      assertEquals((await received).length, 8 * 1024 * 1024);
    });
  }
}

Deno.test("tls: an upload whose source fails, or whose writer is aborted, is cut for the peer", async () => {
  const reason = new Error("source failed");
  const failing = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(noise(100));
        controller.error(reason);
      },
    }, { highWaterMark: 0 });
  for (const kind of Object.values(kinds)) {
    for (const how of ["pipe", "writer"]) {
      const [near, far] = await meet(kind);
      const received = rejection(toBytes(far.readable));
      if (how === "pipe") await rejection(failing().pipeTo(near.writable));
      else await near.writable.abort(reason);
      assertInstanceOf(await received, Deno.errors.UnexpectedEof);
      assertStrictEquals(await rejection(near.closed), reason);
      await far.close();
    }
  }
});
