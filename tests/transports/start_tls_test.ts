import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { noise } from "../../testing/_util/bytes.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  acceptTls,
  type AcceptTlsOptions,
  type Connection,
  fromStreams,
  memoryPair,
  startTls,
  type StartTlsOptions,
  tcp,
  unix,
} from "../../transports/mod.ts";
import {
  certificates,
  newAuthority,
} from "../support/transports/certificates.ts";
import { Openssl } from "../support/transports/openssl.ts";
import { portOf } from "../support/transports/port_of.ts";

const { ca, server, client } = await certificates();
const trusting = { serverName: "localhost", caCerts: [ca] };

type Pair = [Connection, Connection];

/** Two ends over each kind of connection. */
const kinds: Record<string, () => Promise<Pair>> = {
  "memory": () => Promise.resolve(memoryPair()),
  async "TCP"() {
    await using listener = await tcp({ port: 0 }).listen();
    return await Promise.all([
      tcp({ port: portOf(listener) }).connect(),
      listener.accept(),
    ]);
  },
  async "Unix"() {
    const path = `@parley-${crypto.randomUUID()}`;
    await using listener = await unix({ path }).listen();
    return await Promise.all([unix({ path }).connect(), listener.accept()]);
  },
  "streams"() {
    const there = new TransformStream<Uint8Array, Uint8Array>();
    const back = new TransformStream<Uint8Array, Uint8Array>();
    return Promise.resolve([
      fromStreams({ readable: back.readable, writable: there.writable }),
      fromStreams({ readable: there.readable, writable: back.writable }),
    ]);
  },
  "TLS"() {
    return secure(memoryPair());
  },
};

function secure(
  [near, far]: Pair,
  start: StartTlsOptions = {},
  accept: AcceptTlsOptions = {},
): Promise<Pair> {
  return Promise.all([
    startTls(near, { ...trusting, ...start }),
    acceptTls(far, { ...server, ...accept }),
  ]);
}

async function readAll(connection: Connection): Promise<Uint8Array> {
  return new Uint8Array(await new Response(connection.readable).arrayBuffer());
}

for (const [kind, meet] of Object.entries(kinds)) {
  Deno.test(`TLS over ${kind} carries bytes both ways until each end closes`, async () => {
    const plain = await meet();
    const [near, far] = await secure(plain, client, { clientCaCerts: [ca] });
    assertEquals(far.tls?.peerCertificate?.subject, "CN=client");
    assertStrictEquals(near.remoteAddress, plain[0].remoteAddress);
    const sent = noise(300_000);
    const sending = near.write(sent).then(() => near.closeWrite());
    assertEquals(await readAll(far), sent);
    await sending;
    // The other direction goes on.
    const answering = far.write(sent).then(() => far.close());
    assertEquals(await readAll(near), sent);
    await Promise.all([answering, near.close()]);
    await Promise.all(plain.map(({ closed }) => closed));
  });

  Deno.test(`TLS over ${kind} distinguishes a cut from an end`, async () => {
    const plain = await meet();
    const [near, far] = await secure(plain);
    const reading = rejection(near.read(new Uint8Array(1)));
    // The plain end is orderly; TLS has not ended.
    await plain[1].closeWrite();
    assertInstanceOf(await reading, Deno.errors.UnexpectedEof);
    near.abort();
    far.abort();
    await Promise.allSettled(plain.map(({ closed }) => closed));
  });

  Deno.test(`an untrusted server over ${kind} is refused, and both plain ends are closed`, async () => {
    const plain = await meet();
    const stranger = await newAuthority("stranger");
    const [near, far] = await Promise.all([
      rejection(startTls(plain[0], { ...trusting, caCerts: [stranger.ca] })),
      rejection(acceptTls(plain[1], server)),
    ]);
    assertInstanceOf(near, Deno.errors.InvalidData);
    assertStringIncludes(near.message, "Handshake with ");
    assertInstanceOf(far, Deno.errors.InvalidData);
    assertStringIncludes(far.message, "received fatal alert: UnknownCA");
    await Promise.all(plain.map(({ closed }) => closed));
  });

  Deno.test(`a handshake over ${kind} ends with its signal, and so does its connection`, async () => {
    const [near, far] = await meet();
    const controller = new AbortController();
    const { signal } = controller;
    const starting = rejection(startTls(near, { ...trusting, signal }));
    assert(await far.read(new Uint8Array(1024)));
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await starting, reason);
    assertStrictEquals(await rejection(near.closed), reason);
    far.abort();
  });

  Deno.test(`a handshake over ${kind} ends with its timeout, and so does its connection`, async () => {
    const [near, far] = await meet();
    const error = await rejection(acceptTls(far, {
      ...server,
      handshakeTimeout: 1,
    }));
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertInstanceOf(await rejection(far.closed), Deno.errors.TimedOut);
    near.abort();
  });
}

Deno.test("openssl s_client -starttls smtp connects to acceptTls()", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`],
    ...["-starttls", "smtp", "-CAfile", "ca.pem", "-quiet"],
    ...["-verify_return_error", "-no_ign_eof"],
  ], { "ca.pem": ca });
  const plain = await listener.accept();
  const say = (text: string) => plain.write(new TextEncoder().encode(text));
  const into = new Uint8Array(1024);
  const hear = async () => {
    const count = await plain.read(into);
    return new TextDecoder().decode(into.subarray(0, count ?? 0));
  };
  await say("220 mail.example ESMTP\r\n");
  assertStringIncludes(await hear(), "EHLO");
  await say("250-mail.example\r\n250 STARTTLS\r\n");
  assertEquals(await hear(), "STARTTLS\r\n");
  await say("220 go ahead\r\n");
  const secured = await acceptTls(plain, server);
  await secured.write(new TextEncoder().encode("250 in secret\r\n"));
  await openssl.write("NOOP\n");
  const count = await secured.read(into);
  assertEquals(
    new TextDecoder().decode(into.subarray(0, count ?? 0)),
    "NOOP\n",
  );
  await secured.close();
  assertStringIncludes((await openssl.outcome()).said, "250 in secret");
});

Deno.test("startTls() and acceptTls() refuse wrong options, and do not touch the connection", async () => {
  const [near, far] = memoryPair();
  await assertRejects(() => startTls(near), TypeError, "serverName is undef");
  await assertRejects(
    () => startTls(near, { ...trusting, caCerts: [] }),
    TypeError,
    "caCerts is []",
  );
  await assertRejects(
    () => startTls(near, { ...trusting, handshakeTimeout: 0 }),
    RangeError,
    "handshakeTimeout is 0",
  );
  await assertRejects(() => acceptTls(far), TypeError, "cert is undefined");
  const { signal } = new AbortController();
  const aborted = AbortSignal.abort(signal);
  const starting = startTls(near, { ...trusting, signal: aborted });
  assertStrictEquals(await rejection(starting), signal);
  await near.write(new Uint8Array([1]));
  assertEquals(await far.read(new Uint8Array(1)), 1);
  await Promise.all([near.close(), far.close()]);
});

Deno.test("startTls() refuses a connection whose readable is locked", async () => {
  const [near, far] = memoryPair();
  const reader = near.readable.getReader();
  const error = await rejection(startTls(near, trusting));
  assertInstanceOf(error, Error);
  assertStringIncludes(error.message, "readable is locked");
  reader.releaseLock();
  far.abort();
});

const abortions: Record<string, (connection: Connection) => Promise<unknown>> =
  {
    "writable.abort()": (connection) => connection.writable.abort("enough"),
    "a source that fails": (connection) =>
      new ReadableStream({
        start: (controller) => controller.error(new Error("no more")),
      }).pipeTo(connection.writable).catch(() => {}),
    "a chunk that is not bytes": (connection) =>
      rejection(
        (connection.writable as WritableStream<unknown>).getWriter().write("x"),
      ),
  };
for (const [what, abort] of Object.entries(abortions)) {
  for (const kind of ["memory", "TCP"] as const) {
    Deno.test(`after ${what} the peer of TLS over ${kind} sees a cut, and not an end`, async () => {
      const meet = kinds[kind];
      assert(meet);
      const [near, far] = await secure(await meet());
      await near.write(new Uint8Array(1000));
      const received = (async () => {
        const into = new Uint8Array(1024);
        while (await far.read(into) !== null);
      })();
      const read = rejection(received);
      await abort(near);
      assertInstanceOf(await read, Error);
      far.abort();
    });
  }
}

Deno.test("a value that is not bytes cannot be written over TLS", async () => {
  const [near, far] = await secure(memoryPair());
  const write = near.write as (value: unknown) => Promise<void>;
  await assertRejects(
    () => write.call(near, "text"),
    TypeError,
    "Cannot write: bytes is String, expected a Uint8Array",
  );
  await Promise.all([near.close(), far.close()]);
});
