import { assert, assertInstanceOf, assertMatch } from "@std/assert";
import { rejection } from "../../testing/_util/rejection.ts";
import { tcp, tls, type TlsOptions } from "../../transports/mod.ts";
import { newAuthority } from "../support/transports/certificates.ts";
import { portOf } from "../support/transports/port_of.ts";
import { write } from "../support/protocol/session.ts";
import {
  client,
  issue,
  mutual,
  server,
  trusting,
} from "../support/transports/tls_ends.ts";

const stranger = await newAuthority("stranger");
const past = new Date(Date.now() - 60_000);

/** The options of an end, and the error at each end. */
interface Refusal {
  connect?: Partial<TlsOptions>;
  listen?: Partial<TlsOptions>;
  client: RegExp;
  server: RegExp;
}

const untrusted = /^the server's certificate is not trusted: no trusted auth/;
const unknown = /^received fatal alert: UnknownCA$/;
const unwanted = /without a TLS close_notify and sent nothing: it may want/;
const notTrusted = /^the client's certificate is not trusted: no trusted auth/;

const refusals: Record<string, Refusal> = {
  "a server's certificate for another host": {
    connect: { ...trusting, serverName: "example.com" },
    client:
      /^the server's certificate is for "localhost", "127.0.0.1", and not/,
    server: /^received fatal alert: BadCertificate$/,
  },
  "a server's certificate that has expired": {
    listen: await issue("server", past),
    client: untrusted,
    server: /^received fatal alert: CertificateExpired$/,
  },
  "a server's certificate of an unknown authority": {
    connect: {},
    client: untrusted,
    server: unknown,
  },
  "a server's certificate of an authority that we do not trust": {
    listen: stranger.server,
    client: untrusted,
    server: unknown,
  },
  "a self-signed server's certificate": {
    listen: await newAuthority("self").then(({ ca, caKey }) => ({
      cert: ca,
      key: caKey,
    })),
    client: untrusted,
    server: /^received fatal alert: CertificateUnknown$/,
  },
  "a client's certificate as a server's": {
    listen: client,
    client: untrusted,
    server: /^received fatal alert: UnsupportedCertificate$/,
  },
  "a client without a certificate": {
    listen: mutual,
    client: /^received fatal alert: CertificateRequired$/,
    server: /^the client has shown no certificate$/,
  },
  "a client's certificate of another authority": {
    connect: { ...trusting, ...stranger.client },
    listen: mutual,
    client: unwanted,
    server: notTrusted,
  },
  "a client's certificate that has expired": {
    connect: { ...trusting, ...await issue("client", past) },
    listen: mutual,
    client: unwanted,
    server: notTrusted,
  },
  "a server's certificate as a client's": {
    connect: { ...trusting, ...server },
    listen: mutual,
    client: unwanted,
    server: notTrusted,
  },
};

/** Checks that an error has the action, the address and the reason. */
function assertSays(error: unknown, action: RegExp, why: RegExp): void {
  assertInstanceOf(error, Error);
  assert(["InvalidData", "UnexpectedEof"].includes(error.name), error.name);
  const [said] = error.message.match(action) ?? [];
  assert(said, error.message);
  assertMatch(error.message.slice(said.length), why);
}

const connecting = /^(Connect to|Read from) tls:\/\/127\.0\.0\.1:\d+: /;
const accepting = /^Handshake with tls:\/\/127\.0\.0\.1:\d+: /;

for (const [what, refusal] of Object.entries(refusals)) {
  Deno.test(`tls: ${what} is refused, with the expected error at each end`, async () => {
    const { connect = trusting, listen = server } = refusal;
    const refused = Promise.withResolvers<unknown>();
    await using listener = await tls({
      ...{ port: 0, ...listen },
      onHandshakeError: refused.resolve,
    }).listen();
    const port = portOf(listener);
    const accepted = rejection(listener.accept());
    const error = await rejection((async () => {
      await using near = await tls({ port, ...connect }).connect();
      await near.readable.getReader().read();
    })());
    assertSays(error, connecting, refusal.client);
    assertSays(await refused.promise, accepting, refusal.server);
    await listener.close();
    await accepted;
  });
}

/** The first message of a side that supports at most TLS 1.1 (RFC 4346 §7.4). */
function helloOfTls11(from: "client" | "server"): Uint8Array<ArrayBuffer> {
  const version = [3, 2];
  const random = Array<number>(32).fill(7);
  const suite = [0xc0, 0x13];
  const body = from === "client"
    ? [...version, ...random, 0, 0, 2, ...suite, 1, 0]
    : [...version, ...random, 0, ...suite, 0];
  const handshake = [from === "client" ? 1 : 2, 0, 0, body.length, ...body];
  return new Uint8Array([0x16, ...version, 0, handshake.length, ...handshake]);
}

Deno.test("tls: a client of TLS 1.1 is refused, and the server's error says why", async () => {
  const refused = Promise.withResolvers<unknown>();
  await using listener = await tls({
    ...{ port: 0, ...server },
    onHandshakeError: refused.resolve,
  }).listen();
  const accepted = rejection(listener.accept());
  await using old = await tcp({ port: portOf(listener) }).connect();
  await write(old, helloOfTls11("client"));
  assertSays(await refused.promise, accepting, /peer is incompatible/);
  await listener.close();
  await accepted;
});

Deno.test("tls: a server of TLS 1.1 is refused, and the client's error says why", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  const connect = rejection(
    tls({ port: portOf(listener), ...trusting }).connect(),
  );
  await using old = await listener.accept();
  await write(old, helloOfTls11("server"));
  assertSays(await connect, connecting, /ServerDoesNotSupportTls12Or13/);
});
