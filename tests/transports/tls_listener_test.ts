import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  type Connection,
  type Listener,
  memoryPair,
  type NetAddress,
  tcp,
  tls,
  type TlsOptions,
} from "../../transports/mod.ts";
import { HandshakeQueue } from "../../transports/_handshake/queue.ts";
import { newAuthority } from "../support/transports/certificates.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  client,
  issue,
  listeners,
  mutual,
  place,
  server,
  trusting,
} from "../support/transports/tls_ends.ts";

const stranger = await newAuthority("stranger");

for (const [name, options] of Object.entries(listeners)) {
  Deno.test(`${name}: 20 silent peers do not delay others`, async () => {
    const refused: unknown[] = [];
    await using listener = await tls({
      port: 0,
      ...options,
      onHandshakeError: (error) => refused.push(error),
    }).listen();
    const silent: Connection[] = [];
    for (let i = 0; i < 20; i++) {
      silent.push(await tcp(place(listener.address)).connect());
    }
    for (let i = 0; i < 3; i++) {
      await using _near = await tls({
        ...place(listener.address),
        ...trusting,
        ...client,
      }).connect();
      await using _far = await listener.accept();
    }
    assertEquals(refused, []);
    for (const connection of silent) connection.abort();
  });
}

/** Listens, and returns the error that a listener reports. */
async function refusing(
  options: Partial<TlsOptions>,
): Promise<[Listener, Promise<unknown>]> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const transport = tls({ port: 0, ...options, onHandshakeError: resolve });
  return [await transport.listen(), promise];
}

for (const [name, options] of Object.entries(listeners)) {
  Deno.test(`${name}: a peer that does not finish its handshake is disconnected`, async () => {
    const [listener, refused] = await refusing({
      ...options,
      handshakeTimeout: 20,
    });
    await using _ = listener;
    await using silent = await tcp(place(listener.address)).connect();
    assert((await silent.readable.getReader().read()).done);
    const error = await refused;
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertEquals(
      error.message,
      `Handshake with tls://127.0.0.1:${
        place(silent.localAddress).port
      }: the handshake was not done within 20 ms`,
    );
  });

  Deno.test(`${name}: bytes that are not TLS are refused, and accept() goes on`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    const accepted = listener.accept();
    await using plain = await tcp(place(listener.address)).connect();
    await plain.writable.getWriter().write(
      new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"),
    );
    const error = await refused;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, "Handshake with tls://127.0.0.1:");
    await using _near = await tls({
      ...place(listener.address),
      ...trusting,
      ...client,
    }).connect();
    await using _far = await accepted;
  });

  Deno.test(`${name}: a peer that leaves in its handshake is reported`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    (await tcp(place(listener.address)).connect()).abort();
    const error = await refused;
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, "Handshake with tls://127.0.0.1:");
  });

  Deno.test(`${name}: with too many handshakes the oldest is ended`, async () => {
    const [listener, refused] = await refusing(options);
    await using _ = listener;
    const silent: Connection[] = [];
    for (let i = 0; i < 257; i++) {
      silent.push(await tcp(place(listener.address)).connect());
    }
    const error = await refused;
    assertInstanceOf(error, Deno.errors.Busy);
    assert(silent[0]);
    assertStringIncludes(
      error.message,
      `tls://127.0.0.1:${place(silent[0].localAddress).port}: `,
    );
    for (const connection of silent) connection.abort();
  });
}

Deno.test("mutual tls: a client whose certificate is not trusted is refused", async () => {
  const expired = await issue("client", new Date(Date.now() - 60_000));
  const bad: [string, Partial<TlsOptions>][] = [
    ["the client has shown no certificate", {}],
    ["the client's certificate is not trusted: ", stranger.client],
    ["the client's certificate is not trusted: ", server],
    ["the client's certificate is not trusted: ", expired],
  ];
  for (const [why, own] of bad) {
    const [listener, refused] = await refusing(mutual);
    await using _ = listener;
    const { port } = place(listener.address);
    // In TLS 1.3 the client's handshake ends before the server has seen its certificate.
    const error = await rejection((async () => {
      await using connection = await tls({ port, ...trusting, ...own })
        .connect();
      await connection.readable.getReader().read();
    })());
    assertInstanceOf(error, Error, why);
    assertStringIncludes(error.message, `tls://127.0.0.1:${port}: `);
    const refusal = await refused;
    assertInstanceOf(refusal, Deno.errors.InvalidData);
    assertStringIncludes(refusal.message, why);
  }
});

Deno.test("tls: a failed accept of the system rejects accept(), and the next one succeeds", async () => {
  const failure = new Error("Too many open files (os error 24)");
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const [plain, other] = memoryPair();
  const address = { transport: "tls", hostname: "127.0.0.1", port: 1 } as const;
  const connection: Connection<NetAddress> = Object.create(plain, {
    localAddress: { value: address },
    remoteAddress: { value: address },
  });
  const accepts = [
    Promise.reject(failure),
    Promise.resolve(connection),
    closed.promise,
  ];
  const queue = new HandshakeQueue(
    {
      accept: () => accepts.shift() ?? closed.promise,
      close: () => closed.reject(new Deno.errors.BadResource("closed")),
    },
    (connection) => Promise.resolve(connection),
    undefined,
  );
  assertStrictEquals(await rejection(queue.accept()), failure);
  assertStrictEquals(await queue.accept(), connection);
  await queue.close();
  assertInstanceOf(await rejection(queue.accept()), Deno.errors.BadResource);
  plain.abort();
  other.abort();
});

Deno.test("tls: a listener at localhost is reached at both addresses", async () => {
  const listening = tls({ hostname: "localhost", port: 0, ...server });
  await using listener = await listening.listen();
  const { port } = listener.address;
  for (const hostname of ["127.0.0.1", "::1"]) {
    const at = { hostname, port, serverName: "localhost", ...trusting };
    await using near = await tls(at).connect();
    await using far = await listener.accept();
    assertEquals(far.remoteAddress, near.localAddress);
  }
});
