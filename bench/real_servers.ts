// How fast the examples' clients of Redis and PostgreSQL are, beside those that
// a user would otherwise pick, at the same servers: `deno task bench:servers`.
// @ts-types="./alternatives/ioredis.d.ts"
import { Redis as IORedis } from "ioredis";
import postgres from "postgres";
// @ts-types="./alternatives/redis.d.ts"
import { createClient } from "redis";
import { commandLine } from "../examples/support/command_line.ts";
import { Postgres } from "../examples/postgres/client.ts";
import { Redis } from "../examples/redis/client.ts";
import { startPostgres } from "../tests/support/servers/postgres.ts";
import { startRedis } from "../tests/support/servers/redis.ts";

const ROUNDS = 25;
/** Long enough that each side pays for its own garbage. */
const MILLISECONDS = 120;
const PARLEY = "Parley";

/** A client, by what it does once. */
type Side = () => Promise<unknown>;

/** Does something over and over, so many at once; returns how often a second. */
async function rate(side: Side, inFlight: number): Promise<number> {
  const start = performance.now();
  let count = 0;
  const worker = async () => {
    while (performance.now() - start < MILLISECONDS) {
      await side();
      count++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return 1000 * count / (performance.now() - start);
}

/** Runs the sides in turn, and prints how Parley compares with each other one. */
async function compare(
  title: string,
  inFlight: number,
  sides: Record<string, Side>,
): Promise<void> {
  const order = Object.keys(sides);
  const rates: Record<string, number[]> = {};
  for (let round = -2; round < ROUNDS; round++) {
    for (const name of order) {
      const measured = await rate(sides[name] ?? unreachable, inFlight);
      if (round >= 0) (rates[name] ??= []).push(measured); // else it warms up
    }
    order.push(...order.splice(0, 1));
  }
  console.log(`${title}, ${inFlight} in flight`);
  const own = best(rates[PARLEY]);
  for (const [name, figures] of Object.entries(rates)) {
    const rate = Math.round(best(figures)).toLocaleString("en");
    const ratio = (own / best(figures)).toFixed(2);
    const verdict = name === PARLEY ? "" : `   Parley × ${ratio}`;
    console.log(`  ${name.padEnd(16)}${rate.padStart(10)} /s${verdict}`);
  }
}

/**
 * The rate that one round in four exceeds: the server runs on the same machine,
 * and rounds in which something else runs as well say little of a client.
 */
function best(rates: readonly number[] = []): number {
  const sorted = rates.toSorted((a, b) => b - a);
  return sorted[Math.floor(sorted.length / 4)] ?? NaN;
}

function unreachable(): never {
  throw new Error("There is no such side");
}

async function redis(): Promise<void> {
  await using server = await startRedis();
  await using parley = new Redis();
  await parley.connect(server.transport);
  const node = createClient({
    RESP: 3,
    socket: { path: server.path, tls: false },
  });
  await node.connect();
  const io = new IORedis(server.path);
  const value = "x".repeat(100);
  await parley.command(["SET", "key", value]);
  for (const inFlight of [1, 100]) {
    await compare("Redis: GET of 100 bytes", inFlight, {
      [PARLEY]: () => parley.command(["GET", "key"]),
      "npm:redis": () => node.get("key"),
      "npm:ioredis": () => io.get("key"),
    });
    await compare("Redis: SET of 100 bytes", inFlight, {
      [PARLEY]: () => parley.command(["SET", "key", value]),
      "npm:redis": () => node.set("key", value),
      "npm:ioredis": () => io.set("key", value),
    });
  }
  node.destroy();
  io.disconnect();
}

async function postgreSQL(): Promise<void> {
  await using server = await startPostgres();
  const { user, password } = server;
  await using parley = new Postgres({ user, password, database: "postgres" });
  await parley.connect(server.transport);
  const sql = postgres({
    host: server.folder,
    user,
    password,
    database: "postgres",
    max: 1,
  });
  const text = "SELECT id, name FROM item WHERE id = $1";
  await parley.query("CREATE TABLE item (id int PRIMARY KEY, name text)");
  await parley.query(
    "INSERT INTO item SELECT n, 'name ' || n FROM generate_series(1, 1000) n",
  );
  await parley.query("ANALYZE item");
  for (const inFlight of [1, 100]) {
    await compare("PostgreSQL: SELECT of a row by its key", inFlight, {
      [PARLEY]: () => parley.query(text, [500]),
      "npm:postgres": () => sql`SELECT id, name FROM item WHERE id = ${500}`,
    });
  }
  const rows = "SELECT id, name FROM item";
  await compare("PostgreSQL: SELECT of 1,000 rows", 1, {
    [PARLEY]: () => parley.query(rows),
    "npm:postgres": () => sql`SELECT id, name FROM item`,
  });
  await sql.end();
}

commandLine("");
await redis();
await postgreSQL();
