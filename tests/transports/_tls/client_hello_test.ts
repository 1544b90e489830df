import { assert, assertEquals, assertLess } from "@std/assert";
import { ClientHelloReader } from "../../../transports/_tls/client_hello.ts";
import { acceptTls, memoryPair, tcp } from "../../../transports/mod.ts";
import { certificates } from "../../support/transports/certificates.ts";
import { Openssl } from "../../support/transports/openssl.ts";
import { portOf } from "../../support/transports/port_of.ts";

/** The first message of `openssl s_client`. */
async function helloOf(...args: string[]): Promise<Uint8Array> {
  await using listener = await tcp({ port: 0 }).listen();
  await using _openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`, ...args],
  ]);
  await using connection = await listener.accept();
  const into = new Uint8Array(16 * 1024);
  const count = await connection.read(into);
  return into.slice(0, count ?? 0);
}

function parseClientHello(bytes: Uint8Array) {
  return new ClientHelloReader().push(bytes);
}

const hello = await helloOf("-servername", "One.Example");

/** The same message in records of `size` bytes. */
function recut(bytes: Uint8Array, size: number): Uint8Array {
  const records: number[] = [];
  const message = bytes.subarray(5);
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(0x16, 3, 1, part.length >> 8, part.length & 0xff, ...part);
  }
  return new Uint8Array(records);
}

Deno.test("the server name of openssl's hello is found, in lower case", () => {
  assertEquals(parseClientHello(hello), { serverName: "one.example" });
});

Deno.test("a hello without a server name has none", async () => {
  const bytes = await helloOf("-noservername");
  assertEquals(parseClientHello(bytes), { serverName: undefined });
});

Deno.test("a hello in records of any size is read", () => {
  for (const size of [1, 2, 3, 7, 100]) {
    const bytes = recut(hello, size);
    assertEquals(parseClientHello(bytes), { serverName: "one.example" });
  }
});

Deno.test("a hello in pieces of any size is read, at its last byte", () => {
  for (const bytes of [hello, recut(hello, 1), recut(hello, 100)]) {
    for (const size of [1, 2, 5, 64]) {
      const reader = new ClientHelloReader();
      let at = 0;
      for (; at + size < bytes.length; at += size) {
        assertEquals(reader.push(bytes.subarray(at, at + size)), undefined);
      }
      assertEquals(reader.push(bytes.subarray(at)), {
        serverName: "one.example",
      });
    }
  }
});

Deno.test("empty records before and within a hello are passed over", () => {
  const empty = [0x16, 3, 1, 0, 0];
  const records = recut(hello, 100);
  const bytes = new Uint8Array([...empty, ...records.subarray(0, 105), ...empty]
    .concat(...records.subarray(105)));
  assertEquals(parseClientHello(bytes), { serverName: "one.example" });
});

Deno.test("a hello that comes byte by byte is copied a few times, not once a byte", async () => {
  const { server } = await certificates();
  const bytes = new Uint8Array(8_000);
  bytes.set([0x16, 3, 1, 0x3f, 0xa0, 1, 0, 0x3f, 0x9c]);
  const [client, far] = memoryPair();
  await client.write(bytes);
  const allRead = Promise.withResolvers<void>();
  const read = far.read.bind(far);
  let reads = 0;
  far.read = (into) => {
    if (reads++ === bytes.length) allRead.resolve();
    return read(into.subarray(0, 1));
  };
  const { set } = Uint8Array.prototype;
  let copied = 0;
  Uint8Array.prototype.set = function (from, at) {
    copied += from.length;
    set.call(this, from, at);
  };
  const accepted = acceptTls(far, { certificates: () => server });
  accepted.catch(() => {});
  try {
    await allRead.promise;
  } finally {
    Uint8Array.prototype.set = set;
  }
  client.abort();
  await accepted.catch(() => {});
  console.log(`${bytes.length} bytes: ${copied} were copied`);
  assertLess(copied, 10 * bytes.length);
});

Deno.test("a part of a hello needs more bytes", () => {
  for (const bytes of [hello, recut(hello, 10)]) {
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(parseClientHello(bytes.subarray(0, length)), undefined);
    }
  }
});

Deno.test("a hello with any byte changed is read or has no name, and never throws", () => {
  for (let at = 0; at < hello.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const changed = hello.slice();
      changed[at] = value;
      const { serverName = "none" } = parseClientHello(changed) ?? {};
      assert(/^[a-z0-9._-]+$/.test(serverName), `byte ${at} is ${value}`);
    }
  }
});

Deno.test("a hello that is longer than 16 KiB is left to the platform", () => {
  const endless = new Uint8Array(16 * 1024 + 1);
  endless.set([0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff]);
  assertEquals(parseClientHello(endless), { serverName: undefined });
});
