// Measures Parley beside hand-written loops and alternatives: `deno task bench
// --help`.
import { parseArgs } from "@std/cli";
import { type Result, TIMES } from "./harness.ts";
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

const args = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["row", "over", "rounds", "milliseconds", "json"],
  collect: ["row", "over"],
  default: TIMES,
  unknown(argument) {
    console.error(`Unknown argument: ${argument}\n\n${help}`);
    Deno.exit(2);
  },
});
if (args.help) {
  console.log(help);
  Deno.exit();
}

/** The named ones, or all. */
function chosen(all: readonly string[], asked: unknown): readonly string[] {
  const names = asked as string[];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`Unknown name: ${unknown}`);
  return names.length ? all.filter((name) => names.includes(name)) : all;
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
      ...[`--rounds=${args.rounds}`, `--milliseconds=${args.milliseconds}`],
    ],
    stderr: "inherit",
  }).output();
  if (!success) {
    throw new Error(`Cannot measure ${row} over ${wire}: it failed`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

const results: Result[] = [];
const overs = chosen(WIRES, args.over);
for (const name of chosen(rowNames, args.row)) {
  for (const wire of overs) {
    const result = await measure(name, wire);
    results.push(result);
    console.log(formatResult(result), "\n");
  }
}
if (results.length === rows.length * WIRES.length) {
  console.log(formatTables(results));
}
if (args.json) {
  const { version: deno } = Deno;
  await Deno.writeTextFile(
    args.json as string,
    JSON.stringify({ deno, results }, undefined, 2),
  );
}
