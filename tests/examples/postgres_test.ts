import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { Postgres, PostgresError } from "../../examples/postgres/client.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  ConnectError,
  memoryPair,
  ProtocolError,
  reconnecting,
  tcp,
  type Transport,
} from "../../mod.ts";
import { faulty } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { certificates } from "../support/certificates.ts";
import {
  giveToServer,
  POSTGRES_PROGRAMS,
  type PostgresServer,
  startPostgres,
} from "../support/postgres.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/real_process.ts";

const programs = needs(...POSTGRES_PROGRAMS);

function clientOf(
  { user, password }: PostgresServer,
  options: Partial<ConstructorParameters<typeof Postgres>[0]> = {},
): Postgres {
  return new Postgres({ user, password, database: "postgres", ...options });
}

async function connected(
  server: PostgresServer,
  transport: Transport = server.transport,
): Promise<Postgres> {
  const postgres = clientOf(server);
  await postgres.connect(transport);
  return postgres;
}

Deno.test({
  name: "PostgreSQL: queries with arguments, many at once, and errors",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    const sql = "SELECT $1::int AS i, $2::text AS t, $3::bool AS b, " +
      "$4::bytea AS d, $5::float8 AS f, $6::int8 AS big, $7::text AS nothing, " +
      "$8::timestamptz AT TIME ZONE 'UTC' AS at";
    const bytes = Uint8Array.of(0, 255, 92);
    const at = new Date("2026-01-02T03:04:05Z");
    const args = [1, "grün", true, bytes, 1.5, 2n ** 60n, null, at];
    for (let n = 0; n < 2; n++) {
      const { rows, tag } = await postgres.query(sql, args);
      assertEquals(tag, "SELECT 1");
      assertEquals(rows, [{
        ...{ i: 1, t: "grün", b: true, d: bytes, f: 1.5, big: 2n ** 60n },
        ...{ nothing: null, at: "2026-01-02 03:04:05" },
      }]);
    }

    const numbers = Array.from({ length: 1000 }, (_, n) => n);
    const results = await Promise.all(
      numbers.map((n) => postgres.query("SELECT $1::int AS n", [n])),
    );
    assertEquals(results.map(({ rows }) => rows[0]?.n), numbers);

    // An error is for its query: those around it go on.
    const divisors = [1, 0, 2];
    const outcomes = await Promise.allSettled(
      divisors.map((n) => postgres.query("SELECT 4 / $1::int AS n", [n])),
    );
    assertEquals(outcomes.map(({ status }) => status), [
      ...["fulfilled", "rejected", "fulfilled"],
    ]);
    const error = await rejection(postgres.query("SELECT nope"));
    assertInstanceOf(error, PostgresError);
    assertEquals([error.code, error.severity], ["42703", "ERROR"]);
    assertEquals((await postgres.query("")).rows, []);
  },
});

Deno.test({
  name: "PostgreSQL: a pipeline is one transaction",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    await postgres.query("CREATE TABLE item (id int PRIMARY KEY)");
    const insert = "INSERT INTO item VALUES ($1)";
    const results = await postgres.pipeline([
      [insert, [1]],
      [insert, [2]],
      ["SELECT count(*)::int AS n FROM item"],
    ]);
    assertEquals(results.map(({ tag }) => tag), [
      ...["INSERT 0 1", "INSERT 0 1", "SELECT 1"],
    ]);
    assertEquals(results[2]?.rows, [{ n: 2 }]);
    const error = await rejection(
      postgres.pipeline([[insert, [3]], [insert, [1]], [insert, [4]]]),
    );
    assertInstanceOf(error, PostgresError);
    assertEquals(error.code, "23505");
    const { rows } = await postgres.query("SELECT id FROM item ORDER BY id");
    assertEquals(rows, [{ id: 1 }, { id: 2 }]);

    // A statement whose result changes is parsed again after its error.
    const all = "SELECT * FROM item WHERE id = 1";
    await postgres.query(all);
    await postgres.query("ALTER TABLE item ADD COLUMN name text");
    await assertRejects(
      () => postgres.query(all),
      PostgresError,
      "cached plan",
    );
    assertEquals((await postgres.query(all)).rows, [{ id: 1, name: null }]);
  },
});

Deno.test({
  name: "PostgreSQL: a wrong password, user or database is the cause",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    const wrong = [
      [{ password: "pen" }, "28P01"],
      [{ user: "nobody" }, "28P01"],
      [{ database: "nothing" }, "3D000"],
    ] as const;
    for (const [options, code] of wrong) {
      const error = await rejection(
        clientOf(server, options).connect(server.transport),
      );
      assertInstanceOf(error, ConnectError);
      assertInstanceOf(error.cause, PostgresError);
      assertEquals(error.cause.code, code);
    }
    const error = await rejection(
      clientOf(server, { password: undefined }).connect(server.transport),
    );
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, TypeError);
  },
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
        await giveToServer(data);
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

Deno.test("PostgreSQL: bytes in front of TLS are refused, and a server without it", async () => {
  for (const answer of ["Sx", "N"]) {
    const [near, far] = memoryPair();
    const tls = { serverName: "localhost" };
    const connecting = rejection(
      new Postgres({ user: "parley", tls }).connect(near),
    );
    const request = new Uint8Array(64);
    const size = await far.read(request) ?? 0;
    assertEquals(
      request.subarray(0, size),
      Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47),
    );
    await far.write(new TextEncoder().encode(answer));
    const error = await connecting;
    far.abort();
    assertInstanceOf(error, ConnectError);
    assertInstanceOf(error.cause, ProtocolError);
  }
});

Deno.test({
  name: "PostgreSQL: notifications between and beside queries",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    await using other = await connected(server);
    const news = await postgres.listen('the "news"');
    const notify = "SELECT pg_notify($1, $2)";
    for (const payload of ["one", "two"]) {
      await other.query(notify, ['the "news"', payload]);
    }
    const { payload, channel } = await news.next();
    assertEquals([channel, payload], ['the "news"', "one"]);
    const two = news.next();
    await postgres.query("SELECT 1");
    assertEquals((await two).payload, "two");
    await postgres.disconnect();
    await assertRejects(() => news.next());
  },
});

Deno.test({
  name: "PostgreSQL: COPY both ways, with queries that wait for it",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    await postgres.query("CREATE TABLE item (id int, name text)");
    const count = 50_000;
    function* lines() {
      for (let n = 0; n < count; n++) {
        yield new TextEncoder().encode(`${n}\tname ${n}\n`);
      }
    }
    const copying = postgres.copyIn("COPY item FROM STDIN", lines());
    const counted = postgres.query("SELECT count(*)::int AS n FROM item");
    assertEquals(await copying, `COPY ${count}`);
    assertEquals((await counted).rows, [{ n: count }]);

    let text = "";
    const decoder = new TextDecoderStream();
    const out = postgres.copyOut("COPY item TO STDOUT");
    for await (const part of out.pipeThrough(decoder)) text += part;
    assertEquals(text.trimEnd().split("\n").length, count);
    assert(text.endsWith(`${count - 1}\tname ${count - 1}\n`));

    // A reader that leaves drops the rest, and queries go on.
    for await (const _ of postgres.copyOut("COPY item TO STDOUT")) break;
    assertEquals((await postgres.query("SELECT 1 AS n")).rows, [{ n: 1 }]);
  },
});

Deno.test({
  name: "PostgreSQL: a COPY that the source, the server or the caller ends",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    await postgres.query("CREATE TABLE item (id int)");
    const line = new TextEncoder().encode("1\n");
    async function* failing() {
      yield line;
      await Promise.resolve();
      throw new Error("disk is gone");
    }
    const sql = "COPY item FROM STDIN";
    await assertRejects(() => postgres.copyIn(sql, failing()), Error, "gone");

    async function* wrong() {
      for (;;) yield await Promise.resolve(new TextEncoder().encode("x\n"));
    }
    await assertRejects(() => postgres.copyIn(sql, wrong()), PostgresError);

    const abort = new AbortController();
    async function* stuck() {
      yield line;
      abort.abort(new Error("enough"));
      await new Promise(() => {});
    }
    const { signal } = abort;
    const held = postgres.copyIn(sql, stuck(), { signal });
    const next = postgres.query("SELECT count(*)::int AS n FROM item");
    await assertRejects(() => held, Error, "enough");
    assertEquals((await next).rows, [{ n: 0 }]);

    await assertRejects(
      () => postgres.copyIn("COPY nothing FROM STDIN", [line]),
      PostgresError,
      "nothing",
    );
    await assertRejects(() => postgres.copyIn("SELECT 1", [line]), TypeError);
    const notCopied = postgres.copyOut("SELECT 1").getReader().read();
    await assertRejects(() => notCopied, TypeError, "not COPY");
    assertEquals(await postgres.copyIn(sql, [line, line]), "COPY 2");
  },
});

Deno.test({
  name: "PostgreSQL: a query that was given up keeps its place",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    const late = postgres.query("SELECT pg_sleep(0.2)", [], { timeout: 20 });
    const next = postgres.query("SELECT 'mine' AS whose");
    await assertRejects(() => late, CallTimeoutError, "SELECT");
    assertEquals((await next).rows, [{ whose: "mine" }]);
  },
});

for (const seed of [1, 2, 3]) {
  Deno.test({
    name:
      `PostgreSQL: a session whose bytes are split and late, from seed ${seed}`,
    ...programs,
    fn: async () => {
      await using server = await startPostgres();
      let faults = 0;
      const transport = faulty(server.transport, {
        seed,
        faults: ["split", "delay"],
        every: 100,
        onFault: () => faults++,
      });
      await using postgres = await connected(server, transport);
      const numbers = Array.from({ length: 100 }, (_, n) => n);
      const results = await Promise.all(
        numbers.map((n) => postgres.query("SELECT $1::int AS n", [n])),
      );
      assertEquals(results.map(({ rows }) => rows[0]?.n), numbers);
      await postgres.query("CREATE TABLE item (id int)");
      const lines = numbers.map((n) => new TextEncoder().encode(`${n}\n`));
      await postgres.copyIn("COPY item FROM STDIN", lines);
      const out = postgres.copyOut("COPY item TO STDOUT");
      const text = await new Response(out).text();
      assertEquals(text, numbers.map((n) => `${n}\n`).join(""));
      assert(faults > 50, `There were ${faults} faults`);
    },
  });
}

Deno.test({
  name:
    "PostgreSQL: killed in the middle, queries say whether they were sent, and the client comes back",
  ...programs,
  fn: async () => {
    const socketFolder = await Deno.makeTempDir({ prefix: "parley-" });
    await giveToServer(socketFolder);
    try {
      await using first = await startPostgres({ socketFolder });
      await using postgres = clientOf(first);
      await using connection = reconnecting(postgres, first.transport, {
        initialDelay: 10,
        maxDelay: 50,
      });
      await connection.connected();
      await postgres.query("CREATE TABLE item (id int)");
      const news = await postgres.listen("news");
      const copying = Promise.withResolvers<void>();
      const copy = rejection(
        postgres.copyIn("COPY item FROM STDIN", endless(copying.resolve)),
      );
      const held = rejection(postgres.query("SELECT 1"));
      await copying.promise;
      await first.kill();
      assertInstanceOf(await copy, Error);
      const error = await held;
      assertInstanceOf(error, CallInterruptedError);
      assertEquals(error.sent, false);
      await assertRejects(() => news.next());

      await using second = await startPostgres({ socketFolder });
      await connection.connected();
      const sleeping = rejection(postgres.query("SELECT pg_sleep(60)"));
      await untilActive(second, second.transport);
      await second.kill();
      const other = await sleeping;
      assertInstanceOf(other, CallInterruptedError);
      assertEquals([other.method, other.sent], ["SELECT", true]);
    } finally {
      await Deno.remove(socketFolder, { recursive: true });
    }
  },
});

Deno.test({
  name: "examples/postgres/main.ts shows a table, a copy and a notification",
  ...programs,
  fn: async () => {
    const port = freePort();
    await using server = await startPostgres({
      settings: { listen_addresses: "127.0.0.1", port: `${port}` },
    });
    const { code, stdout, stderr } = await runDeno(
      [
        ...["run", "--no-prompt", "--allow-net", "--allow-read"],
        ...["--allow-write", "--allow-env=PGPASSWORD"],
        ...["examples/postgres/main.ts", `tcp://127.0.0.1:${port}`],
        ...[server.user, "postgres"],
      ],
      "",
      { PGPASSWORD: server.password },
    );
    assertEquals([code, stderr], [0, ""]);
    const [version, ...lines] = stdout.trim().split("\n");
    assert(version?.startsWith("PostgreSQL 15"));
    assertEquals(lines, ["COPY 3", "blue, red", "news: it works"]);
  },
});

/** Lines without an end, and a turn for others after each. */
async function* endless(onTaken: () => void): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new TextEncoder().encode("1\n");
    onTaken();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Waits until the server executes a query that sleeps. */
async function untilActive(
  server: PostgresServer,
  transport: Transport,
  ca?: string,
): Promise<void> {
  await using postgres = clientOf(server, {
    tls: ca ? { caCerts: [ca], serverName: "localhost" } : undefined,
  });
  await postgres.connect(transport);
  const sql = "SELECT 1 FROM pg_stat_activity " +
    "WHERE wait_event = 'PgSleep' AND state = 'active'";
  while ((await postgres.query(sql)).rows.length === 0);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
