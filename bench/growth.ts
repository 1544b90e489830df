// Whether what costs little stays cheap when there is much of it:
// `deno task bench:growth`.
import { jsonLines, ReadBuffer } from "../mod.ts";
import type { Side } from "./harness.ts";
import { formatRate } from "./report.ts";
import { receive } from "./rows/receive.ts";
import { inFlight } from "./rows/requests.ts";
import { send } from "./rows/send.ts";
import { startFar } from "./start_far.ts";
import { SocketWire } from "./wires.ts";

const MIB = 1024 * 1024;
const MESSAGES = 20_000_000;
const IDLE = 10_000;

declare const gc: () => void;

function heapMiB(): string {
  gc();
  return (Deno.memoryUsage().heapUsed / MIB).toFixed(1);
}

/** Milliseconds to decode one message that comes in chunks of a size. */
function decode(size: number, chunk: number): number {
  const bytes = new Uint8Array(size).fill(0x78); // x
  bytes.set([0x22]);
  bytes.set([0x22, 0x0a], size - 2);
  const codec = jsonLines({ maxMessageBytes: Infinity });
  const input = new ReadBuffer();
  const start = performance.now();
  for (let at = 0; at < size; at += chunk) {
    input.append(bytes.subarray(at, at + chunk));
    const message = codec.decode(input);
    if ((message === undefined) !== (at + chunk < size)) {
      throw new Error(`Message is out of place at ${at}`);
    }
  }
  return performance.now() - start;
}

/** What a connection takes that nothing comes over, in a process of its own. */
async function idleBytes(kind: "raw" | "session"): Promise<number> {
  const script = new URL("idle.ts", import.meta.url).pathname;
  const flags = ["--allow-all", "--v8-flags=--expose-gc"];
  const path = wire.node("echo").path ?? "";
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, script, kind, `${IDLE}`, path],
    stderr: "inherit",
  }).output();
  return Number(new TextDecoder().decode(stdout));
}

await using far = await startFar();
const wire = new SocketWire("unix", far);

console.log("requests in flight, over unix");
for (const waiting of [1, 10, 100, 1_000, 10_000]) {
  const count = 100_000;
  await inFlight(wire, count, waiting); // warms up
  const rate = 1000 * count / await inFlight(wire, count, waiting);
  console.log(`${waiting}`.padStart(8), ` ${formatRate(rate)}/s`);
}

console.log("one JSON line in chunks of a byte, of 4 KiB, at once: ns a byte");
for (let size = 1024; size <= 64 * MIB; size *= 16) {
  const times = [1, 4096, size].map((chunk) => {
    decode(size, chunk); // warms up
    return (1e6 * decode(size, chunk) / size).toFixed(2).padStart(8);
  });
  console.log(`${size / 1024} KiB`.padStart(12), times.join(""));
}

const [raw, session] = [await idleBytes("raw"), await idleBytes("session")];
console.log(
  `${formatRate(IDLE)} idle sessions: ${session} bytes each,`,
  `${(session / raw).toFixed(2)} times a raw connection's ${raw}`,
);

const sides: Record<string, Side> = {
  received: receive.parley,
  sent: send.parley,
};
for (const [what, side] of Object.entries(sides)) {
  await side(wire, MESSAGES / 100); // warms up
  const [heap, files] = [heapMiB(), openFiles()];
  const took = await side(wire, MESSAGES);
  console.log(
    `${formatRate(MESSAGES)} messages ${what} in ${
      (took / 1000).toFixed(0)
    } s:`,
    `heap from ${heap} to ${heapMiB()} MiB, files from ${files} to ${openFiles()}`,
  );
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
