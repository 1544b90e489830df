// Measures Parley beside hand-written loops and alternatives: `deno task bench
// --help`.
import { type Result, TIMES } from "./harness.ts";
import { checkName, readOptions } from "./options.ts";
import { formatResult, formatTables } from "./report.ts";
import { rows } from "./rows.ts";
import { WIRES } from "./wires.ts";

const rowNames = rows.map(({ name }) => name);

const help = `deno task bench [OPTION]...

  --row=NAME         only this row, of ${rowNames.join(", ")}
  --over=WIRE        only over this one, of ${WIRES.join(", ")}
  --rounds=N         how often each side runs (${TIMES.rounds})
  --milliseconds=N   for how long, about (${TIMES.milliseconds})
  --json=FILE        writes all figures to a file as well
`;

const { texts, lists, rounds, milliseconds } = readOptions({
  help,
  texts: ["json"],
  lists: ["row", "over"],
  times: TIMES,
});

/** The named ones, or all. */
function chosen(option: string, all: readonly string[]): readonly string[] {
  const named = all.map((name) => ({ name }));
  const asked = lists[option]?.map((name) =>
    checkName(option, name, named).name
  );
  return asked?.length ? all.filter((name) => asked.includes(name)) : all;
}

/**
 * Runs one row over one wire in a process of its own, so that V8's type feedback
 * of one protocol does not affect another's figures.
 */
async function measure(row: string, wire: string): Promise<Result> {
  const script = new URL("one.ts", import.meta.url).href;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", script, `--row=${row}`, `--over=${wire}`],
      ...[`--rounds=${rounds}`, `--milliseconds=${milliseconds}`],
    ],
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new Error(`Cannot measure ${row} over ${wire}: it failed`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

const results: Result[] = [];
const names = chosen("row", rowNames);
const overs = chosen("over", WIRES);
// If it cannot be written, that is known before the figures.
if (texts.json) await Deno.writeTextFile(texts.json, "");
for (const name of names) {
  for (const wire of overs) {
    const result = await measure(name, wire);
    results.push(result);
    console.log(formatResult(result), "\n");
  }
}
if (results.length === rows.length * WIRES.length) {
  console.log(formatTables(results));
}
if (texts.json) {
  const { version: deno } = Deno;
  await Deno.writeTextFile(
    texts.json,
    JSON.stringify({ deno, results }, undefined, 2),
  );
}
