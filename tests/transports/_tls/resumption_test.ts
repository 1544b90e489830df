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
} from "../../support/transports/crafted_certificates.ts";
import { Openssl } from "../../support/transports/openssl.ts";
import { portOf } from "../../support/transports/port_of.ts";

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

/**
 * Resumes a client's session at a new listener that wants certificates of this
 * authority. Returns the listener's error or "accepted", and openssl's output.
 */
async function resumeElsewhere(
  version: string,
  authority: string,
  resumed: string,
): Promise<{ found: unknown; said: string }> {
  const found = Promise.withResolvers<unknown>();
  await using listener = await listen({
    clientCaCerts: [authority],
    onHandshakeError: found.resolve,
  });
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`, version],
    ...["-sess_in", "session"],
  ], { session: resumed });
  listener.accept().then((connection) => {
    found.resolve("accepted");
    connection.abort();
  }, () => {});
  return { found: await found.promise, said: (await openssl.outcome()).said };
}

for (const version of ["-tls1_2", "-tls1_3"]) {
  // In Deno 2.9.6 all listeners of a process accept each other's tickets.
  Deno.test(`a session of another listener with other authorities does not let a client in (${version})`, async () => {
    await using first = await listen({ clientCaCerts: [one.cert] });
    const resumed = await session(version, first, ["-cert", "own.pem"]);
    const { found, said } = await resumeElsewhere(version, two.cert, resumed);
    assertInstanceOf(found, Deno.errors.InvalidData);
    assertStringIncludes(found.message, "the client's certificate is not sign");
    assertStringIncludes(said, "Reused");
  });

  Deno.test(`a session of a listener that asks for no certificate does not let a client in (${version})`, async () => {
    await using first = await listen({});
    const resumed = await session(version, first, []);
    const { found } = await resumeElsewhere(version, one.cert, resumed);
    assertInstanceOf(found, Deno.errors.InvalidData);
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
