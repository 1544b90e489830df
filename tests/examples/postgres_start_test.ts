import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Postgres, PostgresError } from "../../examples/postgres/client.ts";
import {
  ConnectError,
  memory,
  memoryPair,
  ProtocolError,
  reconnecting,
  tcp,
} from "../../mod.ts";
import { scriptedPeer } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { certificates } from "../support/transports/certificates.ts";
import { needsPostgres, startPostgres } from "../support/servers/postgres.ts";
import { freePort } from "../support/servers/free_port.ts";
import {
  clientOf,
  connected,
  untilActive,
} from "../support/examples/postgres_client.ts";

const programs = needsPostgres();

Deno.test({
  name: "PostgreSQL: a wrong password, user or database is the cause",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    const wrong = [
      [{ password: "pen" }, "28P01"],
      [{ password: undefined }, "28P01"],
      [{ user: "nobody" }, "28P01"],
      [{ database: "nothing" }, "3D000"],
    ] as const;
    for (const [options, code] of wrong) {
      // None of them is tried again.
      const client = clientOf(server, options);
      await using connection = reconnecting(client, server.transport);
      const signal = AbortSignal.timeout(10_000);
      const error = await rejection(connection.connected({ signal }));
      assertInstanceOf(error, ConnectError);
      assertInstanceOf(error.cause, PostgresError);
      assertEquals(error.cause.code, code);
    }
  },
});

Deno.test("PostgreSQL: a user or database with NUL is refused: it would set more", () => {
  for (const name of ["user", "database"]) {
    assertThrows(
      () => new Postgres({ user: "ann", [name]: "ann\0options\0-c x=y" }),
      TypeError,
      `Cannot use the option: ${name} is "ann\\u0000options\\u0000-c x=y"`,
    );
  }
});

Deno.test({
  name: "PostgreSQL: TLS after SSLRequest, also for a cancel request",
  ...programs,
  fn: async () => {
    const { ca, server: identity } = await certificates();
    const port = freePort();
    await using server = await startPostgres({
      prepare: async (data) => {
        await Deno.writeTextFile(`${data}/server.crt`, identity.cert);
        await Deno.writeTextFile(`${data}/server.key`, identity.key);
        await Deno.chmod(`${data}/server.key`, 0o600);
      },
      settings: { ssl: "on", listen_addresses: "127.0.0.1", port: `${port}` },
      hba: "hostssl all all 127.0.0.1/32 scram-sha-256\n",
    });
    const transport = tcp({ port });
    await using postgres = clientOf(server, {
      tls: { caCerts: [ca], serverName: "localhost" },
    });
    await postgres.connect(transport);
    const { rows } = await postgres.query(
      "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    );
    assertEquals(rows, [{ ssl: true }]);
    const sleeping = rejection(postgres.query("SELECT pg_sleep(60)"));
    await untilActive(server, transport, ca);
    await postgres.cancel(transport);
    const error = await sleeping;
    assertInstanceOf(error, PostgresError);
    assertEquals(error.code, "57014");

    const plain = await rejection(clientOf(server).connect(transport));
    assertInstanceOf(plain, ConnectError);
    assertInstanceOf(plain.cause, PostgresError);
  },
});

Deno.test({
  name: "PostgreSQL: cancel on a second connection ends the query, no more",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    const sleeping = rejection(postgres.query("SELECT pg_sleep(60)"));
    const next = postgres.query("SELECT 1 AS one");
    await untilActive(server, server.transport);
    await postgres.cancel(server.transport);
    const error = await sleeping;
    assertInstanceOf(error, PostgresError);
    assertEquals(error.code, "57014");
    assertEquals((await next).rows, [{ one: 1 }]);
  },
});

Deno.test("PostgreSQL: a warning may come before the log-in", async () => {
  const parameters = "user\0ann\0database\0ann\0client_encoding\0UTF8\0\0";
  await using server = scriptedPeer([
    { expect: `\0\0\x004\0\x03\0\0${parameters}` },
    { send: "N\0\0\0\x1dSWARNING\0C01000\0Mbeware\0\0" },
    { send: "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I" },
    { expect: "X\0\0\0\x04" },
    "expect end",
  ]);
  await using client = new Postgres({ user: "ann" });
  await client.connect(server.connection);
  await client.disconnect();
  await server.done;
});

Deno.test("PostgreSQL: a server that refuses to cancel is told", async () => {
  const parameters = "user\0ann\0database\0ann\0client_encoding\0UTF8\0\0";
  await using server = scriptedPeer([
    { expect: `\0\0\x004\0\x03\0\0${parameters}` },
    { send: "R\0\0\0\x08\0\0\0\0K\0\0\0\x0c12345678Z\0\0\0\x05I" },
    { expect: "X\0\0\0\x04" },
    "expect end",
  ]);
  await using client = new Postgres({ user: "ann" });
  await client.connect(server.connection);
  const transport = memory();
  await using listener = await transport.listen();
  const cancelling = rejection(client.cancel(transport));
  const other = await listener.accept();
  assertEquals(await other.read(new Uint8Array(64)), 16);
  const refusal = "E\0\0\0\x1dSFATAL\0C53300\0Mtoo many\0\0";
  await other.write(new TextEncoder().encode(refusal));
  await other.closeWrite();
  const error = await cancelling;
  other.abort();
  assertInstanceOf(error, PostgresError);
  assertEquals(error.code, "53300");
  await client.disconnect();
  await server.done;
});

/** A client that is connecting, and the server's end, which has asked for TLS. */
async function askingForTls(handshakeTimeout?: number) {
  const [near, far] = memoryPair();
  const tls = { serverName: "localhost" };
  const client = new Postgres({ user: "parley", tls, handshakeTimeout });
  const connecting = rejection(client.connect(near));
  const request = new Uint8Array(64);
  const size = await far.read(request) ?? 0;
  assertEquals(
    request.subarray(0, size),
    Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
  );
  return { connecting, far };
}

Deno.test("PostgreSQL: bytes in front of TLS are refused, and a server without it", async () => {
  const plain = "SR\0\0\0\x08\0\0\0\0"; // what follows S says: no password
  for (const answer of [plain, "N", "E", ""]) {
    const { connecting, far } = await askingForTls();
    await far.write(new TextEncoder().encode(answer));
    await far.closeWrite();
    const error = await connecting;
    assertInstanceOf(error, ConnectError);
    // TLS takes the rest for a handshake.
    if (answer !== plain) assertInstanceOf(error.cause, ProtocolError);
    far.abort();
  }
});

Deno.test("PostgreSQL: a server that does not say whether it has TLS is left", async () => {
  const { connecting, far } = await askingForTls(10);
  assertInstanceOf(await connecting, ConnectError);
  await rejection(far.read(new Uint8Array(1)));
  far.abort();
});
