import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { untyped } from "../support/untyped.ts";
import { tls, type TlsOptions } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { testTransport } from "../../testing/mod.ts";
import { runWithFlags } from "../support/permissions.ts";
import {
  ca,
  client,
  kinds,
  listeners,
  mutual,
  place,
  server,
  trusting,
} from "../support/transports/tls_ends.ts";

for (const [name, kind] of Object.entries(kinds)) {
  testTransport(name, kind);
}

Deno.test("tls: a client may have a certificate even if none is requested", async () => {
  await using listener = await tls({ port: 0, ...server }).listen();
  const at = place(listener.address);
  await using _near = await tls({ ...at, ...trusting, ...client }).connect();
  await using far = await listener.accept();
  assertEquals(far.tls?.peerCertificate, undefined);
});

Deno.test("tls: protocols must have one in common", async () => {
  for (const options of [server, mutual]) {
    await using listener = await tls({
      port: 0,
      ...options,
      alpnProtocols: ["one", "two"],
    }).listen();
    const at = { ...place(listener.address), ...trusting, ...client };
    await using near = await tls({ ...at, alpnProtocols: ["two"] }).connect();
    await using far = await listener.accept();
    for (const end of [near, far]) assertEquals(end.tls?.alpnProtocol, "two");
    const error = await rejection(
      tls({ ...at, alpnProtocols: ["three"] }).connect(),
    );
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, "NoApplicationProtocol");
  }
});

Deno.test("tls: a listener needs a certificate and its key", async () => {
  await assertRejects(
    () => tls({ port: 0 }).listen(),
    TypeError,
    "Listen at tls://127.0.0.1:0: cert is undefined",
  );
  for (const options of [server, mutual]) {
    await assertRejects(
      () => tls({ port: 0, ...options, key: client.key }).listen(),
      Deno.errors.InvalidData,
      "Listen at tls://127.0.0.1:0: key is not the key of cert",
    );
  }
});

Deno.test("tls() refuses invalid options, naming option and value", () => {
  const { cert, key } = server;
  const bad: [Partial<TlsOptions>, typeof Error, string][] = [
    [{ port: 65536 }, RangeError, "port is 65536"],
    [{ hostname: "a b" }, TypeError, 'hostname is "a b"'],
    [{ serverName: "" }, TypeError, 'serverName is ""'],
    [{ caCerts: [] }, TypeError, "caCerts is []"],
    [{ clientCaCerts: [] }, TypeError, "clientCaCerts is []"],
    [{ caCerts: [ca, "x"] }, TypeError, "caCerts[1] is not PEM"],
    [{ clientCaCerts: [key] }, TypeError, "clientCaCerts[0] is not PEM"],
    [{ cert: key, key }, TypeError, "cert is not PEM"],
    [{ cert, key: cert }, TypeError, "key is not PEM"],
    [{ cert }, TypeError, "key is undefined"],
    [{ key }, TypeError, "cert is undefined"],
    [{ alpnProtocols: [""] }, TypeError, 'alpnProtocols[0] is ""'],
    [{ handshakeTimeout: 0 }, RangeError, "handshakeTimeout is 0"],
    [{ handshakeTimeout: NaN }, RangeError, "handshakeTimeout is NaN"],
    ...untyped<Partial<TlsOptions>>([
      [{ serverName: 7 }, TypeError, "serverName is 7"],
      [{ alpnProtocols: "h2" }, TypeError, 'alpnProtocols is "h2"'],
      [{ alpnProtocols: [7] }, TypeError, "alpnProtocols[0] is 7"],
      [{ handshakeTimeout: "1" }, TypeError, 'handshakeTimeout is "1"'],
      [{ onHandshakeError: 7 }, TypeError, "onHandshakeError is 7"],
    ]),
  ];
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => tls({ port: 1, ...options }), errorClass, message);
  }
});

Deno.test("tls() prints its address", () => {
  assertEquals(tls({ port: 4444 }).toString(), "tls://127.0.0.1:4444");
  assertEquals(tls({ hostname: "::1", port: 1 }).toString(), "tls://[::1]:1");
});

Deno.test("tls: the error of a missing permission names the flag", async () => {
  const run = (options: TlsOptions, act: string, flags: string[]) =>
    runWithFlags(
      `import { tls } from "./transports/mod.ts";
       const resource = await tls(${JSON.stringify(options)}).${act}();
       await resource.close();`,
      flags,
    );
  for (const name of ["tls", "mutual tls"] as const) {
    await using listener = await kinds[name].server().listen();
    const at = place(listener.address);
    const own = name === "tls" ? {} : client;
    for (
      const [options, act] of [
        [{ ...at, ...trusting, ...own }, "connect"],
        [{ port: 0, ...listeners[name] }, "listen"],
      ] as const
    ) {
      const flag = `--allow-net=127.0.0.1:${options.port}`;
      const refused = await run(options, act, []);
      assertStringIncludes(refused, "NotCapable");
      assertStringIncludes(refused, `run again with ${flag}\n`);
      assertEquals(await run(options, act, [flag]), "");
    }
  }
});
