import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import { rejection } from "../../../testing/_util/rejection.ts";
import { DecodeError, jsonLines, lines, Peer } from "../../../protocol/mod.ts";
import { tcp, tls } from "../../../transports/mod.ts";
import { certificates } from "../../support/transports/certificates.ts";
import { portOf } from "../../support/transports/port_of.ts";

const { ca, server } = await certificates();

/** A peer's first bytes, and the text of the error. */
const openings: readonly (readonly [string, string])[] = [
  [
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    'speaks HTTP, not TLS: its first bytes are "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"',
  ],
  [
    "HTTP/1.1 400 Bad Request\r\n",
    'speaks HTTP, not TLS: its first bytes are "HTTP/1.1 400 Bad Request\\r\\n"',
  ],
  [
    "SSH-2.0-OpenSSH_9.2\r\n",
    'speaks SSH, not TLS: its first bytes are "SSH-2.0-OpenSSH_9.2\\r\\n"',
  ],
  [
    '{"QMP": {"version": {}}}\r\n',
    'speaks JSON in plain text, not TLS: its first bytes are "{\\"QMP\\": {\\"version\\": {}}}\\r\\n"',
  ],
  [
    "220 mail.example ESMTP\r\n",
    'speaks plain text, not TLS: its first bytes are "220 mail.example ESMTP\\r\\n"',
  ],
  [
    "\x1b]0;title\x07 and a long text that does not end",
    'speaks another protocol, not TLS: its first bytes are "\\u001b]0;title\\u0007 and a long text that "',
  ],
];

for (const [opening, said] of openings) {
  const bytes = new TextEncoder().encode(opening);

  Deno.test(`a listener says that a client ${said.split(",")[0]} (${opening.length} bytes)`, async () => {
    const refused = Promise.withResolvers<unknown>();
    await using listener = await tls({
      ...{ port: 0, ...server },
      onHandshakeError: refused.resolve,
    }).listen();
    await using plain = await tcp({ port: portOf(listener) }).connect();
    await plain.write(bytes);
    const error = await refused.promise;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertEquals(error.message.replace(/^.*: the peer /, ""), said);
  });

  Deno.test(`a client says that a server ${said.split(",")[0]} (${opening.length} bytes)`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const connecting = rejection(
      tls({ port: portOf(listener), caCerts: [ca] }).connect(),
    );
    await using plain = await listener.accept();
    await plain.write(bytes);
    const error = await connecting;
    assertInstanceOf(error, Deno.errors.InvalidData);
    assertEquals(error.message.replace(/^.*: the peer /, ""), said);
  });
}

Deno.test("a client's error says that a server that ends without a byte may not speak TLS", async () => {
  await using listener = await tcp({ port: 0 }).listen();
  const port = portOf(listener);
  const connecting = rejection(tls({ port, caCerts: [ca] }).connect());
  await using plain = await listener.accept();
  await plain.read(new Uint8Array(1024));
  await plain.close();
  const error = await connecting;
  assertInstanceOf(error, Deno.errors.UnexpectedEof);
  assertEquals(
    error.message,
    `Connect to tls://127.0.0.1:${port}: the peer ended in the handshake without a byte: it may not speak TLS`,
  );
});

const codecs = { lines, jsonLines };
for (const [name, codec] of Object.entries(codecs)) {
  Deno.test(`the error of a session of ${name} without TLS says that its client speaks TLS`, async () => {
    await using listener = await tcp({ port: 0 }).listen();
    const connecting = rejection(
      tls({ port: portOf(listener), caCerts: [ca] }).connect(),
    );
    const peer = new Peer<unknown>({ codec });
    await peer.accept(listener);
    const error = await rejection(peer[Symbol.asyncIterator]().next());
    assertInstanceOf(error, DecodeError);
    assert(error.message.endsWith(": the peer speaks TLS"), error.message);
    assertStrictEquals(await rejection(peer.disconnect()), error);
    assertInstanceOf(await connecting, Error);
  });
}
