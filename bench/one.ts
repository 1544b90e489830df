// Runs one row over one wire, and prints its figures as JSON. With `--side=NAME` it
// runs only this side, for a profile:
// `deno run --allow-all --cpu-prof bench/one.ts --row=send --over=unix --side=Parley`.
import { stopNode } from "./alternatives/node.ts";
import { measure, sidesOf, TIMES } from "./harness.ts";
import { checkName, readOptions } from "./options.ts";
import { rows } from "./rows.ts";
import { startFar } from "./start_far.ts";
import { MemoryWire, SocketWire, WIRES } from "./wires.ts";

const { texts, ...times } = readOptions({
  help: "bench/one.ts --row=NAME --over=WIRE [--side=NAME] [OPTION]...",
  texts: ["row", "over", "side"],
  times: TIMES,
});
const row = checkName("row", texts.row, rows);
const over = checkName("over", texts.over, WIRES.map((name) => ({ name })));

await using far = await startFar();
const wire = over.name === "memory"
  ? new MemoryWire()
  : new SocketWire(over.name, far);
const all = sidesOf(row, wire);
const sides = texts.side ? [checkName("side", texts.side, all)] : all;
const result = await measure(row, wire, sides, times);
console.log(JSON.stringify(result));
await stopNode();
