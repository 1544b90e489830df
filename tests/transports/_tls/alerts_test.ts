import { assert, assertMatch, assertStringIncludes } from "@std/assert";
import { rejection } from "../../../testing/_util/rejection.ts";
import { tcp, tls, type TlsOptions } from "../../../transports/mod.ts";
import {
  certificates,
  newAuthority,
} from "../../support/transports/certificates.ts";
import { Openssl } from "../../support/transports/openssl.ts";
import { portOf } from "../../support/transports/port_of.ts";

const { ca, server, client } = await certificates();
const stranger = await newAuthority("stranger");
const files = {
  "ca.pem": ca,
  "server.pem": server.cert + server.key,
  "client.pem": client.cert + client.key,
};
const versions = ["-tls1_2", "-tls1_3"];

/** The output of `openssl s_client` for a listener with these options. */
async function clientSays(
  listen: Partial<TlsOptions>,
  args: readonly string[],
): Promise<string> {
  const refused = Promise.withResolvers<unknown>();
  await using listener = await tls({
    ...{ port: 0, ...server, ...listen },
    onHandshakeError: refused.resolve,
  }).listen();
  await using openssl = await Openssl.start([
    ...["s_client", "-connect", `127.0.0.1:${portOf(listener)}`],
    ...["-CAfile", "ca.pem", ...args],
  ], files);
  await refused.promise;
  return (await openssl.outcome()).said;
}

for (const version of versions) {
  Deno.test(`openssl s_client ${version} reads the alert that there is no common protocol`, async () => {
    assertStringIncludes(
      await clientSays({ alpnProtocols: ["one", "two"] }, [
        ...[version, "-alpn", "three"],
      ]),
      "alert no application protocol",
    );
  });

  Deno.test(`openssl s_client ${version} reads the alert that a certificate is required`, async () => {
    assertStringIncludes(
      await clientSays({ clientCaCerts: [ca] }, [version]),
      "alert certificate required",
    );
  });
}

Deno.test("openssl s_client reads the alert that its version is too old", async () => {
  assertMatch(
    await clientSays({}, ["-tls1_1", "-cipher", "ALL@SECLEVEL=0"]),
    /alert (protocol version|handshake failure)/,
  );
});

/** Runs `openssl s_server`, connects to it, and returns its output. */
async function serverSays(
  connect: Partial<TlsOptions>,
  args: readonly string[],
): Promise<{ said: string; error: unknown }> {
  // A port that is free now.
  const free = await tcp({ port: 0 }).listen();
  const port = portOf(free);
  await free.close();
  await using openssl = await Openssl.start([
    ...["s_server", "-accept", `127.0.0.1:${port}`, "-naccept", "1"],
    ...["-cert", "server.pem", ...args],
  ], files);
  for (;;) {
    const error = await rejection(
      tls({ port, caCerts: [ca], ...connect }).connect(),
    );
    if (error instanceof Deno.errors.ConnectionRefused) continue;
    return { error, ...await openssl.outcome() };
  }
}

for (const version of versions) {
  Deno.test(`openssl s_server ${version} reads the alert that its authority is unknown`, async () => {
    const { said, error } = await serverSays({ caCerts: [stranger.ca] }, [
      version,
    ]);
    assertStringIncludes(said, "alert unknown ca");
    assert(error instanceof Deno.errors.InvalidData);
  });
}

Deno.test("openssl s_server -tls1_3 reads an alert if its certificate is for another name", async () => {
  const { said, error } = await serverSays({ serverName: "example.com" }, [
    "-tls1_3",
  ]);
  assertStringIncludes(said, "alert bad certificate");
  assert(error instanceof Deno.errors.InvalidData);
});

Deno.test("openssl s_server -tls1_2 sees a cut without close_notify if its certificate is for another name", async () => {
  const { said, error } = await serverSays({ serverName: "example.com" }, [
    "-tls1_2",
  ]);
  assertStringIncludes(said, "unexpected eof");
  assert(error instanceof Deno.errors.InvalidData);
});
