// Runs one row over one wire, and prints its figures as JSON. With `--side=NAME` it
// runs only this side, for a profile:
// `deno run --allow-all --cpu-prof bench/one.ts --row=send --over=unix --side=Parley`.
import { parseArgs } from "@std/cli";
import { stopNode } from "./alternatives/node.ts";
import { measure, sidesOf, TIMES } from "./harness.ts";
import { rows } from "./rows.ts";
import { startFar } from "./start_far.ts";
import { MemoryWire, SocketWire, WIRES } from "./wires.ts";

const args = parseArgs(Deno.args, {
  string: ["row", "over", "side", "rounds", "milliseconds"],
  default: TIMES,
});
const row = rows.find(({ name }) => name === args.row);
const name = WIRES.find((name) => name === args.over);
if (!row || !name) throw new Error("--row and --over name what to run");

await using far = await startFar();
const wire = name === "memory" ? new MemoryWire() : new SocketWire(name, far);
const sides = sidesOf(row, wire)
  .filter(({ name }) => !args.side || name === args.side);
if (!sides.length) throw new Error(`Unknown side: ${args.side}`);
const result = await measure(row, wire, sides, {
  rounds: Number(args.rounds),
  milliseconds: Number(args.milliseconds),
});
console.log(JSON.stringify(result));
await stopNode();
