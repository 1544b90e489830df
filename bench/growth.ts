// Checks that cost stays linear for many requests, long messages and long sessions:
// `deno task bench:growth`.
import { jsonLines, memoryPair, Peer, ReadBuffer } from "../mod.ts";
import { commandLine } from "../examples/support/command_line.ts";
import type { Side } from "./harness.ts";
import { formatRate, spread } from "./report.ts";
import { receive } from "./rows/receive.ts";
import { coalescing, inFlight } from "./rows/requests.ts";
import { send } from "./rows/send.ts";
import { startFar } from "./start_far.ts";
import { SocketWire } from "./wires.ts";

const MIB = 1024 * 1024;
const ROUNDS = 9;
const MESSAGES = 20_000_000;
const IDLE = 10_000;

declare const gc: () => void;

/**
 * The held memory, in V8's heap and outside it, after two collections: buffers are
 * freed some time after they are found to be garbage.
 */
function heldMiB(): string {
  gc();
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return ((heapUsed + external) / MIB).toFixed(1);
}

/** Milliseconds to decode one message that arrives in chunks of a size. */
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

/** Sends a message of `size` bytes from one peer to another. */
async function pass(bytes: number, from: Peer<unknown>, to: Peer<unknown>) {
  const sent = from.send("x".repeat(bytes));
  for await (const _ of to) break;
  await sent;
}

/** Bytes of memory that an idle connection takes, measured in a process of its own. */
async function idleBytes(kind: "raw" | "session"): Promise<number> {
  await using far = await startFar();
  const { path = "" } = new SocketWire("unix", far).node("echo");
  const script = new URL("idle.ts", import.meta.url).href;
  const flags = ["--allow-all", "--v8-flags=--expose-gc"];
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, script, kind, `${IDLE}`, path],
    stderr: "inherit",
  }).output();
  return Number(new TextDecoder().decode(stdout));
}

commandLine("");
await using far = await startFar();
const wire = new SocketWire("unix", far);

console.log(
  "requests in flight, over unix: ns a request of Parley, of the raw loop",
);
for (const waiting of [1, 10, 100, 1_000, 10_000]) {
  const count = Math.min(20_000 * waiting, 200_000);
  const times: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, side] of [inFlight, coalescing].entries()) {
      times[i]?.push(1e6 * await side(wire, count, waiting) / count);
    }
  }
  const medians = times.map((figures) => spread(figures).median.toFixed(0));
  console.log(
    `${waiting}`.padStart(12),
    medians.map((figure) => figure.padStart(8)).join(""),
  );
}

console.log("one JSON line in chunks of a byte, of 4 KiB, at once: ns a byte");
for (let size = 1024; size <= 64 * MIB; size *= 16) {
  const times = [1, 4096, size].map((chunk) => {
    let took = 0;
    for (let done = 0; done < 2 * MIB; done += size) took = decode(size, chunk);
    return (1e6 * took / size).toFixed(2).padStart(8);
  });
  console.log(`${size / 1024} KiB`.padStart(12), times.join(""));
}

{
  const codec = () => jsonLines({ maxMessageBytes: Infinity });
  await using one = new Peer({ codec });
  await using other = new Peer({ codec });
  const [near, far] = memoryPair();
  await Promise.all([one.connect(near), other.connect(far)]);
  const before = heldMiB();
  await pass(64 * MIB, one, other);
  console.log(
    `a message of 64 MiB: ${before} MiB held before, ${heldMiB()} MiB after`,
  );
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
  const [heap, files] = [heldMiB(), openFiles()];
  const took = await side(wire, MESSAGES);
  console.log(
    `${formatRate(MESSAGES)} messages ${what} in ${
      (took / 1000).toFixed(0)
    } s:`,
    `held from ${heap} to ${heldMiB()} MiB, files from ${files} to ${openFiles()}`,
  );
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}
