import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { PostgresError } from "../../examples/postgres/client.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { needsPostgres, startPostgres } from "../support/servers/postgres.ts";
import { connected } from "../support/examples/postgres_client.ts";

const programs = needsPostgres();

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
    const refused = rejection(postgres.copyIn(sql, wrong()));
    const second = postgres.copyIn(sql, [line]); // hears nothing of the first
    assertInstanceOf(await refused, PostgresError);
    assertEquals(await second, "COPY 1");
    await postgres.query("DELETE FROM item");

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

    // It is given up before the server asks for its data.
    const unheard = rejection(postgres.copyIn(sql, [line], { signal }));
    assertEquals(await unheard, signal.reason);
    const early = new AbortController();
    const unbegun = rejection(
      postgres.copyIn(sql, [line], { signal: early.signal }),
    );
    early.abort(new Error("enough"));
    const behind = postgres.query("SELECT 1 AS n", [], { timeout: 10_000 });
    assertEquals(await unbegun, early.signal.reason);
    assertEquals((await behind).rows, [{ n: 1 }]);

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
