import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { noise } from "../../../testing/_util/bytes.ts";
import { SocketConnection } from "../../../transports/_socket/connection.ts";
import type { RawSocket } from "../../../transports/_socket/raw_socket.ts";
import {
  acceptTls,
  type Connection,
  startTls,
} from "../../../transports/mod.ts";
import { certificates } from "../../support/transports/certificates.ts";

const { ca, server } = await certificates();

/** A socket, and the number of bytes that were read from it. */
class Counted implements RawSocket {
  bytes = 0;
  readonly #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  async read(into: Uint8Array): Promise<number | null> {
    const count = await this.#conn.read(into);
    this.bytes += count ?? 0;
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    this.#conn.close();
  }
}

/** Two ends of TLS; the bytes that the first reads from its socket are counted. */
async function meet(): Promise<[Connection, Counted, Connection]> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [conn, other] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  listener.close();
  const counted = new Counted(conn);
  const [near, far] = await Promise.all([
    startTls(plain(counted), { serverName: "localhost", caCerts: [ca] }),
    acceptTls(plain(other), server),
  ]);
  return [near, counted, far];
}

function plain(socket: RawSocket): Connection {
  const address = { transport: "test", toString: () => "test:" };
  return new SocketConnection(socket, address, address);
}

/** Writes all bytes, in records of a given size. */
async function send(
  to: Connection,
  bytes: Uint8Array,
  record = bytes.length,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += record) {
    await to.write(bytes.subarray(at, at + record));
  }
}

const MAX_HELD = 32 * 1024;
const sizes = { "1 MiB": 2 ** 20, "16 KiB": 2 ** 14, "one byte": 1 };
for (const [what, size] of Object.entries(sizes)) {
  Deno.test(`at most 32 KiB are read from the socket beyond the bytes that a reader of ${what} has got`, async () => {
    const [near, counted, far] = await meet();
    const before = counted.bytes;
    const sent = noise(3 * 2 ** 20);
    const sending = send(far, sent).catch(() => {});
    const into = new Uint8Array(size);
    let got = 0;
    let held = 0;
    for (let i = 0; i < 1_000 && got < 2 * 2 ** 20; i++) {
      const count = await near.read(into);
      assert(count);
      assertEquals(into.subarray(0, count), sent.subarray(got, got + count));
      got += count;
      held = Math.max(held, counted.bytes - before - got);
    }
    console.log(`held at most: ${(held / 1024).toFixed(1)} KiB`);
    assertLessOrEqual(held, MAX_HELD);
    near.abort();
    far.abort();
    await sending;
  });
}

Deno.test("nothing is read from the socket while the connection is not read", async () => {
  const [near, counted, far] = await meet();
  const before = counted.bytes;
  const sending = send(far, noise(1_000), 1);
  await sending;
  assertEquals(counted.bytes, before);
  near.abort();
  far.abort();
});

Deno.test("a thousand records of one byte are read as they were written", async () => {
  const [near, , far] = await meet();
  const sent = noise(1_000);
  const sending = send(far, sent, 1).then(() => far.closeWrite());
  const received: number[] = [];
  const into = new Uint8Array(64);
  for (;;) {
    const count = await near.read(into);
    if (count === null) break;
    received.push(...into.subarray(0, count));
  }
  await sending;
  assertEquals(new Uint8Array(received), sent);
  near.abort();
  far.abort();
});
