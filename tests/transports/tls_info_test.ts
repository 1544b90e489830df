import { assert, assertEquals, assertMatch } from "@std/assert";
import { X509Certificate } from "node:crypto";
import {
  type Connection,
  tcp,
  tls,
  type TlsOptions,
} from "../../transports/mod.ts";
import {
  craft,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
} from "../support/transports/crafted_certificates.ts";
import { Openssl } from "../support/transports/openssl.ts";
import { portOf } from "../support/transports/port_of.ts";

const root = await craft({
  subject: "root",
  isAuthority: true,
  usage: MAY_CERTIFY,
});
const server = await craft({
  ...{ subject: "server", issuer: root, usage: MAY_SIGN, purposes: [1] },
  ...{ dns: ["localhost", "x, DNS:y"], addresses: [[127, 0, 0, 1]] },
});
const client = await craft({
  ...{ subject: "alice", issuer: root, usage: MAY_SIGN, purposes: [2] },
  dns: ["alice.example"],
});
const listen = { ...identity(server), alpnProtocols: ["one", "two"] };
const connect = { caCerts: [root.cert], alpnProtocols: ["two"] };

/** The two ends of a connection. */
async function meet(
  near: Partial<TlsOptions>,
  far: Partial<TlsOptions>,
): Promise<AsyncDisposable & { client: Connection; server: Connection }> {
  await using listener = await tls({ port: 0, ...listen, ...far }).listen();
  const port = portOf(listener);
  const [client, server] = await Promise.all([
    tls({ port, ...connect, ...near }).connect(),
    listener.accept(),
  ]);
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.close(), server.close()]);
    },
  };
}

Deno.test("both ends of a TLS connection have the facts of its handshake", async () => {
  await using ends = await meet({ serverName: "localhost" }, {});
  const facts = {
    protocol: "TLSv1.3",
    cipher: ends.client.tls?.cipher,
    alpnProtocol: "two",
    serverName: "localhost",
  };
  assertMatch(String(facts.cipher), /^TLS_(AES|CHACHA20)_/);
  assertEquals({ ...ends.server.tls }, {
    ...facts,
    peerCertificate: undefined,
  });
  const { fingerprint256, raw } = new X509Certificate(server.cert);
  assertEquals({ ...ends.client.tls }, {
    ...facts,
    peerCertificate: {
      pem: server.cert,
      der: new Uint8Array(raw),
      subject: "CN=server",
      names: ["DNS:localhost", "DNS:x, DNS:y", "IP:127.0.0.1"],
      fingerprint: fingerprint256,
    },
  });
});

Deno.test("a server has its client's certificate", async () => {
  await using ends = await meet(identity(client), {
    clientCaCerts: [root.cert],
  });
  const { peerCertificate, serverName } = ends.server.tls ?? {};
  assertEquals(peerCertificate?.subject, "CN=alice");
  assertEquals(peerCertificate?.names, ["DNS:alice.example"]);
  assertEquals(peerCertificate?.pem, client.cert);
  assertEquals(serverName, undefined);
});

Deno.test("without a common ALPN offer there is no protocol", async () => {
  await using ends = await meet({}, { alpnProtocols: undefined });
  assertEquals(ends.client.tls?.alpnProtocol, undefined);
  assertEquals(ends.server.tls?.alpnProtocol, undefined);
});

Deno.test("a server has the facts of a TLS 1.2 handshake with openssl", async () => {
  await using listener = await tls({
    ...{ port: 0, ...listen },
    clientCaCerts: [root.cert],
  }).listen();
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`, "-tls1_2"],
    ...["-cert", "own.pem", "-alpn", "one", "-servername", "localhost"],
  ], { "own.pem": client.cert + client.key });
  await using connection = await listener.accept();
  const { tls: facts } = connection;
  assertEquals(facts?.protocol, "TLSv1.2");
  assertMatch(String(facts?.cipher), /^TLS_ECDHE_ECDSA_WITH_/);
  assertEquals(facts?.alpnProtocol, "one");
  assertEquals(facts?.serverName, "localhost");
  assertEquals(facts?.peerCertificate?.subject, "CN=alice");
  await connection.close();
  await openssl.end();
});

Deno.test("the tls of a connection without TLS is undefined", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  await using near = await tcp({ port: portOf(listener) }).connect();
  await using far = await listener.accept();
  assert(near.tls === undefined && far.tls === undefined);
});
