/**
 * Makes a table, fills it, asks it, copies it, and hears a notification.
 *
 * PGPASSWORD=… deno run --allow-net --allow-read --allow-write --allow-env=PGPASSWORD examples/postgres/main.ts tcp://127.0.0.1:5432 USER DATABASE
 */
import { parseTransport } from "@parley/parley";
import { Postgres } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "tcp://127.0.0.1:5432", user = "postgres", database] =
  commandLine("[ADDRESS] [USER] [DATABASE]");
await using postgres = new Postgres({
  user,
  database,
  password: Deno.env.get("PGPASSWORD"),
});
await postgres.connect(parseTransport(address));
const { rows: [about] } = await postgres.query("SELECT version()");
console.log(about?.version);

await postgres.query("CREATE TEMPORARY TABLE colour (id int, name text)");
const lines = ["1\tred\n", "2\tgreen\n", "3\tblue\n"];
const data = lines.map((line) => new TextEncoder().encode(line));
console.log(await postgres.copyIn("COPY colour FROM STDIN", data));

const sql = "SELECT name FROM colour WHERE id = $1";
const results = await Promise.all(
  [3, 1].map((id) => postgres.query(sql, [id])),
);
console.log(results.map(({ rows }) => rows[0]?.name).join(", "));

const news = await postgres.listen("news");
await postgres.query("SELECT pg_notify($1, $2)", ["news", "it works"]);
console.log("news:", (await news.next()).payload);
