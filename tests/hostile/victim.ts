// The attacked process: starts the victim of an attack, and prints its address.
// For each line of its standard input, it prints the peak growth of its memory and
// the longest block of its event loop.
import type { Attack } from "./attack.ts";

const SAMPLE_MS = 5;

const [name = "", folder = ""] = Deno.args;
const { attack }: { attack: Attack } = await import(`./attacks/${name}.ts`);

/** A figure of /proc/self/status, in MiB. */
async function status(field: "VmRSS" | "VmHWM"): Promise<number> {
  const text = await Deno.readTextFile("/proc/self/status");
  const line = text.split("\n").find((line) => line.startsWith(`${field}:`));
  return Number(line?.match(/\d+/)?.[0]) / 1024;
}

const address = await attack.start(folder);
const before = await status("VmRSS");
let block = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  block = Math.max(block, now - last - SAMPLE_MS);
  last = now;
}, SAMPLE_MS);
console.log(JSON.stringify({ address }));
for await (const _ of Deno.stdin.readable) {
  const memory = Math.max(0, await status("VmHWM") - before);
  console.log(JSON.stringify({ memory, block }));
}
Deno.exit();
