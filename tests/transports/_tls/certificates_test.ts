import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { rejection } from "../../../testing/_util/rejection.ts";
import {
  type Connection,
  type Listener,
  tls,
  type TlsIdentity,
  type TlsOptions,
} from "../../../transports/mod.ts";
import {
  craft,
  type Crafted,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
} from "../../support/transports/crafted_certificates.ts";
import { Openssl } from "../../support/transports/openssl.ts";
import { portOf } from "../../support/transports/port_of.ts";

const root = await craft({
  subject: "root",
  isAuthority: true,
  usage: MAY_CERTIFY,
});
const issue = (subject: string, ...dns: string[]): Promise<Crafted> =>
  craft({
    ...{ subject, issuer: root, usage: MAY_SIGN, purposes: [1, 2], dns },
    addresses: [[127, 0, 0, 1]],
  });
const [one, two, client] = await Promise.all([
  issue("one", "one.example"),
  issue("two", "two.example"),
  issue("client"),
]);

/** Connects, and returns the subject of the shown certificate. */
async function subjectShown(
  listener: Listener,
  options: Partial<TlsOptions> = {},
): Promise<string | undefined> {
  await using near = await tls({
    ...{ port: portOf(listener), caCerts: [root.cert], ...options },
  }).connect();
  await using _far = await listener.accept();
  return near.tls?.peerCertificate?.subject;
}

Deno.test("certificates is called in each handshake, with the server name", async () => {
  const asked: (string | undefined)[] = [];
  await using listener = await tls({
    port: 0,
    certificates(serverName) {
      asked.push(serverName);
      return identity(serverName === "two.example" ? two : one);
    },
  }).listen();
  for (const name of ["one", "two", "one"]) {
    const serverName = `${name}.example`;
    assertEquals(await subjectShown(listener, { serverName }), `CN=${name}`);
  }
  assertEquals(await subjectShown(listener), "CN=one");
  assertEquals(asked, [
    ...["one.example", "two.example", "one.example"],
    undefined,
  ]);
});

Deno.test("a certificate is renewed without listening again", async () => {
  let current: TlsIdentity = identity(one);
  await using listener = await tls({
    ...{ port: 0, ...identity(client) },
    certificates: () => Promise.resolve(current),
  }).listen();
  assertEquals(await subjectShown(listener), "CN=one");
  current = identity(two);
  assertEquals(await subjectShown(listener), "CN=two");
});

Deno.test("asynchronous certificates work with client certificates and protocols", async () => {
  const given = Promise.withResolvers<TlsIdentity>();
  const asked = Promise.withResolvers<void>();
  await using listener = await tls({
    port: 0,
    certificates() {
      asked.resolve();
      return given.promise;
    },
    clientCaCerts: [root.cert],
    alpnProtocols: ["echo"],
  }).listen();
  const connecting = tls({
    ...{ port: portOf(listener), caCerts: [root.cert], ...identity(client) },
    alpnProtocols: ["echo"],
  }).connect();
  await asked.promise;
  given.resolve(identity(one));
  await using near: Connection = await connecting;
  await using far = await listener.accept();
  assertEquals(near.tls?.alpnProtocol, "echo");
  assertEquals(far.tls?.peerCertificate?.subject, "CN=client");
  await far.write(new Uint8Array([1]));
  assertEquals(await near.read(new Uint8Array(8)), 1);
});

/** The errors of a client and the listener in a refused handshake. */
async function refusal(
  certificates: TlsOptions["certificates"],
): Promise<{ client: string; listener: Error }> {
  const refused = Promise.withResolvers<unknown>();
  await using listener = await tls({
    ...{ port: 0, certificates },
    onHandshakeError: refused.resolve,
  }).listen();
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`],
    ...["-servername", "three.example"],
  ]);
  const error = await refused.promise;
  assertInstanceOf(error, Error);
  return { client: (await openssl.outcome()).said, listener: error };
}

Deno.test("if certificates() throws what is not an Error, the listener's error says so", async () => {
  for (const [thrown, shown] of [["no", '"no"'], [undefined, "undefined"]]) {
    const { client, listener } = await refusal(() => Promise.reject(thrown));
    assertStringIncludes(client, "internal error");
    assertMatch(
      listener.message,
      RegExp(`^Handshake with .*: certificates has thrown ${shown}$`),
    );
  }
});

Deno.test("without a certificate for its name, a client reads the alert that the name is unknown", async () => {
  const { client, listener } = await refusal(() => undefined);
  assertStringIncludes(client, "unrecognized name");
  assertStringIncludes(
    listener.message,
    "certificates has none for three.example",
  );
});

Deno.test("if certificates fails, the listener reports the error, and the client an internal error", async () => {
  const failure = new RangeError("the store is closed");
  const { client, listener } = await refusal(() => Promise.reject(failure));
  assertStringIncludes(client, "alert internal error");
  assertStringIncludes(listener.message, "the store is closed");
});

Deno.test("a key that does not belong to the certificate is refused in the handshake", async () => {
  const { listener } = await refusal(() => ({ cert: one.cert, key: two.key }));
  assertStringIncludes(listener.message, "key is not the key of cert");
});

Deno.test("a listener with certificates serves the next client after a refusal", async () => {
  await using listener = await tls({
    port: 0,
    certificates: (name) => name === "one.example" ? identity(one) : undefined,
  }).listen();
  const refused = await rejection(subjectShown(listener));
  assert(refused instanceof Deno.errors.InvalidData);
  assertEquals(
    await subjectShown(listener, { serverName: "one.example" }),
    "CN=one",
  );
});
