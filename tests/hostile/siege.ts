// Runs every attack at full scale, or those whose names are given, and prints a
// table. Exits with 1 if a bound is exceeded.
import { attackNames, runAttack } from "./run_attack.ts";

const names = Deno.args.length > 0 ? Deno.args : await attackNames();
const rows = [[
  "attack",
  "sent",
  "peak memory",
  "bound",
  "longest block",
  "bound",
  "others served",
]];
let exceeded = false;
for (const name of names) {
  const { attack, sent, memory, block, served } = await runAttack(name, 1);
  const over = memory > attack.maxMemory || block > attack.maxBlock;
  exceeded ||= over;
  const row = [
    attack.name,
    sent,
    `${memory.toFixed(0)} MiB`,
    `${attack.maxMemory} MiB`,
    `${block.toFixed(0)} ms`,
    `${attack.maxBlock} ms`,
    attack.serves ? `${served} times` : "no others",
  ];
  rows.push(row);
  console.log(`${over ? "OVER" : "held"}: ${row.join(" | ")}`);
}
const widths =
  rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  ) ?? [];
const line = (row: string[]) =>
  `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
const [head = [], ...body] = rows;
console.log(
  [
    "",
    line(head),
    `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`,
    ...body.map(line),
  ].join("\n"),
);
if (exceeded) Deno.exitCode = 1;
