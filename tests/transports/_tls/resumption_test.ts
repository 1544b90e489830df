import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  type Listener,
  tls,
  type TlsOptions,
} from "../../../transports/mod.ts";
import {
  craft,
  identity,
  MAY_CERTIFY,
  MAY_SIGN,
} from "../../support/crafted_certificates.ts";
import { Openssl } from "../../support/openssl.ts";
import { portOf } from "../../support/port_of.ts";

const AUTHORITY = { isAuthority: true, usage: MAY_CERTIFY };
const one = await craft({ subject: "one", ...AUTHORITY });
const two = await craft({ subject: "two", ...AUTHORITY });
const server = await craft({ issuer: one, usage: MAY_SIGN, purposes: [1] });
const client = await craft({
  ...{ issuer: one, subject: "client", usage: MAY_SIGN, purposes: [2] },
});
const files = { "own.pem": client.cert + client.key };

function listen(options: Partial<TlsOptions>): Promise<Listener> {
  return tls({ port: 0, ...identity(server), ...options }).listen();
}

/** One connection of `openssl s_client`, and the session that it got. */
async function session(
  version: string,
  listener: Listener,
  args: readonly string[],
): Promise<string> {
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`, version],
    ...["-sess_out", "session", ...args],
  ], files);
  const connection = await listener.accept();
  await connection.write(new Uint8Array(10));
  await connection.close();
  await openssl.outcome();
  return await openssl.file("session");
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  // In Deno 2.9.6 all listeners of a process accept each other's tickets.
  Deno.test(`a session of another listener with other authorities does not let a client in (${version})`, async () => {
    const refused = Promise.withResolvers<unknown>();
    await using first = await listen({ clientCaCerts: [one.cert] });
    await using second = await listen({
      clientCaCerts: [two.cert],
      onHandshakeError: refused.resolve,
    });
    const resumed = await session(version, first, ["-cert", "own.pem"]);
    await using openssl = await Openssl.start([
      ...["s_client", "-connect", `127.0.0.1:${portOf(second)}`, version],
      ...["-sess_in", "session"],
    ], { session: resumed });
    second.accept().then((connection) => {
      refused.resolve("accepted");
      connection.abort();
    }, () => {});
    const error = await refused.promise;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, "the client's certificate is not sign");
    assertStringIncludes((await openssl.outcome()).said, "Reused");
  });

  Deno.test(`a session of a listener that asks for no certificate does not let a client in (${version})`, async () => {
    const refused = Promise.withResolvers<unknown>();
    await using first = await listen({});
    await using second = await listen({
      clientCaCerts: [one.cert],
      onHandshakeError: refused.resolve,
    });
    const resumed = await session(version, first, []);
    await using _openssl = await Openssl.start([
      ...["s_client", "-connect", `127.0.0.1:${portOf(second)}`, version],
      ...["-sess_in", "session"],
    ], { session: resumed });
    second.accept().then((connection) => {
      refused.resolve("accepted");
      connection.abort();
    }, () => {});
    assertInstanceOf(await refused.promise, Deno.errors.InvalidData);
  });

  Deno.test(`a client that resumes its session still has its certificate (${version})`, async () => {
    await using listener = await listen({ clientCaCerts: [one.cert] });
    const resumed = await session(version, listener, ["-cert", "own.pem"]);
    await using openssl = await Openssl.start([
      ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`, version],
      ...["-sess_in", "session"],
    ], { session: resumed });
    const connection = await listener.accept();
    assertEquals(connection.tls?.peerCertificate?.subject, "CN=client");
    await connection.close();
    assertStringIncludes((await openssl.outcome()).said, "Reused");
  });
}
