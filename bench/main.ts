// How fast Parley is, beside a loop written by hand and beside what a user would
// otherwise pick: `deno task bench --help`.
import { parseArgs } from "@std/cli";
import { stopNode } from "./alternatives/node.ts";
import { measure, type Result, type Row, sidesOf } from "./harness.ts";
import { formatResult, formatTables } from "./report.ts";
import { frames } from "./rows/frames.ts";
import { receive } from "./rows/receive.ts";
import { pipelined, request } from "./rows/requests.ts";
import { send } from "./rows/send.ts";
import { startFar } from "./start_far.ts";
import { MemoryWire, SocketWire, type Wire } from "./wires.ts";

const rows: Row[] = [request, pipelined, receive, send, frames];

const help = `deno task bench [OPTION]...

  --row=NAME         only this row, of ${
  rows.map(({ name }) => name).join(", ")
}
  --over=WIRE        only over this one, of unix, tcp, tls, memory
  --side=NAME        only this side, such as Parley: for a profile, without ratios
  --rounds=N         how often each side runs (7)
  --milliseconds=N   for how long, about (300)
  --json=FILE        writes all figures to a file as well
`;

const args = parseArgs(Deno.args, {
  boolean: ["help"],
  string: ["row", "over", "side", "rounds", "milliseconds", "json"],
  collect: ["row", "over", "side"],
  default: { rounds: "7", milliseconds: "300" },
  unknown(argument) {
    console.error(`There is no ${argument}\n\n${help}`);
    Deno.exit(2);
  },
});
if (args.help) {
  console.log(help);
  Deno.exit();
}

/** Those that were asked for by name, or all. */
function chosen<T extends { name: string }>(all: T[], names: unknown): T[] {
  const wanted = names as string[];
  const unknown = wanted.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`There is no ${unknown}`);
  return wanted.length ? all.filter(({ name }) => wanted.includes(name)) : all;
}

const results: Result[] = [];
{
  await using far = await startFar();
  const wires: Wire[] = Object.keys(far.addresses)
    .map((name) => new SocketWire(name, far));
  wires.push(new MemoryWire());
  const times = {
    rounds: Number(args.rounds),
    milliseconds: Number(args.milliseconds),
  };
  for (const row of chosen(rows, args.row)) {
    for (const wire of chosen(wires, args.over)) {
      const sides = chosen(sidesOf(row, wire), args.side);
      const result = await measure(row, wire, sides, times);
      results.push(result);
      console.log(formatResult(row, result), "\n");
    }
  }
  await stopNode();
}
const all = ![args.row, args.over, args.side].flat().length;
if (all) console.log(formatTables(rows, results));
if (args.json) {
  const { version: deno } = Deno;
  await Deno.writeTextFile(
    args.json as string,
    JSON.stringify({ deno, results }, undefined, 2),
  );
}
