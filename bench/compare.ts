// Compares the speed of two commits: `deno task bench:compare BASE` runs the same
// rows for both in turn, so that other load on the machine affects both.
import { refuse, reportErrors } from "../examples/support/command_line.ts";
import type { Result } from "./harness.ts";
import { LIMIT, PARLEY } from "./harness.ts";
import { ratio, type Spread, spread } from "./report.ts";

const PASSES = 3;

reportErrors();
const [base, ...options] = Deno.args;
if (base === undefined || base.startsWith("-")) {
  refuse(
    "Cannot use the arguments: expected BASE [OPTION]..., a commit and the options of deno task bench",
  );
}

/** Runs a program and returns its output; the error has its standard error. */
async function run(program: string, args: string[], cwd?: string) {
  const { success, stderr } = await new Deno.Command(program, {
    args,
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  if (success) return;
  throw new Error(
    `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`,
  );
}

/** The figures of one run of the benchmark in a working tree. */
async function bench(tree: string): Promise<Result[]> {
  const file = `${folder}/figures.json`;
  const args = ["task", "bench", ...options, `--json=${file}`];
  await run(Deno.execPath(), args, tree);
  return JSON.parse(await Deno.readTextFile(file)).results;
}

/** Parley's rate divided by the limit's, one figure a pass, by row and wire. */
type Parts = Map<string, number[]>;

function gather(parts: Parts, results: Result[]): void {
  for (const { row, wire, rates } of results) {
    const key = `${row} over ${wire}`;
    const part = ratio(rates[PARLEY], rates[LIMIT]).median;
    parts.set(key, [...parts.get(key) ?? [], part]);
  }
}

function show({ median, low, high }: Spread): string {
  const [middle, ...ends] = [median, low, high].map((part) => part.toFixed(2));
  return `${middle} (${ends.join(" to ")})`.padEnd(22);
}

const folder = await Deno.makeTempDir();
const here = new URL("..", import.meta.url).pathname;
const there = `${folder}/base`;
try {
  await run("git", ["worktree", "add", "--detach", there, base], here);
  const before: Parts = new Map();
  const after: Parts = new Map();
  for (let pass = 0; pass < PASSES; pass++) {
    gather(before, await bench(there));
    gather(after, await bench(here));
  }
  console.log(
    "Parley's rate / the raw loop's".padEnd(32),
    base.padEnd(22),
    "now",
  );
  for (const [key, parts] of after) {
    const old = before.get(key);
    const was = old ? show(spread(old)) : "not measured".padEnd(22);
    console.log(key.padEnd(32), was, show(spread(parts)).trimEnd());
  }
} finally {
  await Deno.remove(folder, { recursive: true });
  await run("git", ["worktree", "prune"], here);
}
