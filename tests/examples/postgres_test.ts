import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { PostgresError } from "../../examples/postgres/client.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  EventOverflowError,
  reconnecting,
} from "../../mod.ts";
import { faulty } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { needsPostgres, startPostgres } from "../support/servers/postgres.ts";
import { runDeno } from "../support/program.ts";
import { freePort } from "../support/servers/free_port.ts";
import { inFolder } from "../support/in_folder.ts";
import {
  clientOf,
  connected,
  untilActive,
} from "../support/examples/postgres_client.ts";

const programs = needsPostgres();

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
  name: "PostgreSQL: too many arguments fail their query, not the next one",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using postgres = await connected(server);
    const many = new Array<number>(65_536).fill(1);
    const refused = rejection(postgres.query("SELECT 1", many));
    const next = postgres.query("SELECT 2 AS n");
    assertInstanceOf(await refused, RangeError);
    assertEquals((await next).rows, [{ n: 2 }]);
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
    const many = await postgres.listen("many");
    await postgres.query(
      "SELECT pg_notify('many', n::text) FROM generate_series(1, 1025) AS n",
    );
    await assertRejects(() => many.next(), EventOverflowError, "many");
    const abort = new AbortController();
    const { signal } = abort;
    const givenUp = rejection(postgres.listen("other", { signal }));
    abort.abort(new Error("enough"));
    assertEquals(await givenUp, signal.reason);
    await postgres.disconnect();
    await assertRejects(() => news.next());
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

Deno.test({
  name: "PostgreSQL: pings wait for what takes long, and a dead server is left",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    const options = { keepAliveInterval: 10, timeout: 500 };
    const postgres = clientOf(server, options);
    await postgres.connect(server.transport);
    const timeout = 10_000;
    const sleep = "SELECT pg_sleep(0.6)";
    await Promise.all(
      [1, 2].map(() => postgres.query(sleep, [], { timeout })),
    );

    // A transaction that has failed refuses queries, but not pings.
    await using other = await connected(server);
    await postgres.query("BEGIN", [], { timeout });
    await rejection(postgres.query("SELECT nope", [], { timeout }));
    await other.query(sleep);
    await postgres.query("ROLLBACK", [], { timeout });

    const { rows: [backend] } = await postgres
      .query("SELECT pg_backend_pid() AS pid", [], { timeout });
    Deno.kill(Number(backend?.pid), "SIGSTOP");
    const queries = setInterval(
      () => postgres.query("SELECT 1").catch(() => {}),
      10,
    );
    const error = await rejection(postgres.closed);
    clearInterval(queries);
    assertInstanceOf(error, CallTimeoutError);
    await rejection(postgres.disconnect());
    Deno.kill(Number(backend?.pid), "SIGCONT");
    await other.query("SELECT 1");
  },
});

Deno.test({
  name:
    "PostgreSQL: with the signal of a session, no other executes the rest of a transaction",
  ...programs,
  fn: async () => {
    await using server = await startPostgres();
    await using other = await connected(server);
    await other.query("CREATE TABLE item (id int)");
    const postgres = clientOf(server);
    await using connection = reconnecting(postgres, server.transport, {
      initialDelay: 1,
    });
    await connection.connected();
    const { signal } = postgres;
    await postgres.query("BEGIN", [], { signal });
    await postgres.query("INSERT INTO item VALUES (1)", [], { signal });
    const cut = rejection(postgres.query("SELECT pg_sleep(60)"));
    await other.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity " +
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    await cut;
    await connection.connected();
    for (const sql of ["INSERT INTO item VALUES (2)", "COMMIT"]) {
      const error = await rejection(postgres.query(sql, [], { signal }));
      assertEquals(error, signal.reason);
      assertInstanceOf(error, PostgresError);
    }
    assertEquals((await postgres.query("SELECT * FROM item")).rows, []);
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
  fn: () =>
    inFolder(async (socketFolder) => {
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
    }),
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

/** Endless lines, with a turn of the event loop after each. */
async function* endless(onTaken: () => void): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new TextEncoder().encode("1\n");
    onTaken();
    await new Promise((resolve) => setTimeout(resolve));
  }
}
