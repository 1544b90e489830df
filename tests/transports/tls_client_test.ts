import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { tcp, tls, type TlsOptions } from "../../transports/mod.ts";
import { newAuthority } from "../support/transports/certificates.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  client,
  place,
  server,
  trusting,
} from "../support/transports/tls_ends.ts";

const stranger = await newAuthority("stranger");

for (const [name, own] of [["tls", {}], ["mutual tls", client]] as const) {
  const bad: [string, Partial<TlsOptions>, Partial<TlsOptions>][] = [
    ["another name", { serverName: "example.com" }, server],
    ["an unknown authority", { caCerts: undefined }, server],
    ["another authority", { caCerts: [stranger.ca] }, server],
    ["an authority of the same name", {}, (await newAuthority("ca")).server],
  ];
  for (const [what, connect, listen] of bad) {
    Deno.test(`${name}: a server's certificate for ${what} is refused`, async () => {
      await using listener = await tls({ port: 0, ...listen }).listen();
      const { port } = place(listener.address);
      const error = await assertRejects(
        () => tls({ port, ...trusting, ...own, ...connect }).connect(),
        Deno.errors.InvalidData,
        `Connect to tls://127.0.0.1:${port}: `,
      );
      assertInstanceOf(error.cause, Error);
    });
  }

  Deno.test(`${name}: a server without TLS is refused`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const connect = rejection(tls({ port, ...trusting, ...own }).connect());
    await using plain = await listener.accept();
    await plain.writable.getWriter().write(new TextEncoder().encode("220 hi"));
    const error = await connect;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertStringIncludes(error.message, `Connect to tls://127.0.0.1:${port}: `);
  });

  Deno.test(`${name}: connecting to a silent server times out`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const connect = rejection(
      tls({ port, ...trusting, ...own, handshakeTimeout: 20 }).connect(),
    );
    await using _ = await listener.accept();
    const error = await connect;
    assertInstanceOf(error, Deno.errors.TimedOut);
    assertEquals(
      error.message,
      `Connect to tls://127.0.0.1:${port}: the handshake was not done within 20 ms`,
    );
  });

  Deno.test(`${name}: a connect can be aborted in its handshake`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const { port } = place(listener.address);
    const controller = new AbortController();
    const { signal } = controller;
    const connect = rejection(
      tls({ port, ...trusting, ...own }).connect({ signal }),
    );
    await using far = await listener.accept();
    await far.readable.getReader().read(); // its first message
    const reason = { not: "an error" };
    controller.abort(reason);
    assertStrictEquals(await connect, reason);
  });

  Deno.test(`${name}: serverName is the name that is checked`, async () => {
    await using listener = await tls({ port: 0, ...server }).listen();
    const { port } = place(listener.address);
    for (const serverName of ["localhost", "127.0.0.1"]) {
      await using _near = await tls({
        ...{ port, serverName },
        ...trusting,
        ...own,
      }).connect();
      await using _far = await listener.accept();
    }
    await using _near = await tls({
      ...{ port, hostname: "localhost" },
      ...trusting,
      ...own,
    }).connect();
    await using _far = await listener.accept();
  });
}
