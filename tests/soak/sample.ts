import { delay } from "@std/async";
import type { Totals } from "./client.ts";

/** The held memory and files when all sessions have ended. */
export interface Sample {
  readonly minutes: number;
  /** The heap after a collection of garbage, and buffers outside it, in bytes. */
  readonly heap: number;
  /** The resident memory of the process, in bytes. */
  readonly resident: number;
  /** How many files and sockets are open. */
  readonly files: number;
}

/** The allowed growth of a heap: caches and compiled code. */
const SLACK_BYTES = 8 * 1024 * 1024;

/** Takes a sample: the heap is the least of several collections. */
export async function measure(ms: number): Promise<Sample> {
  let heap = Infinity;
  for (let i = 0; i < 5; i++) {
    // Buffers are freed some turns after the objects that hold them.
    await delay(10);
    Reflect.get(globalThis, "gc")?.();
    const { heapUsed, external } = Deno.memoryUsage();
    heap = Math.min(heap, heapUsed + external);
  }
  return {
    minutes: ms / 60_000,
    heap,
    resident: Deno.memoryUsage().rss,
    files: [...Deno.readDirSync("/proc/self/fd")].length,
  };
}

export function show(totals: Totals, samples: readonly Sample[]): void {
  const last = samples.at(-1);
  if (!last) return;
  const n = (value: number) => value.toLocaleString("en");
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  console.log(
    `${last.minutes.toFixed(1)} min: ${n(totals.sessions)} sessions, ` +
      `${n(totals.inOrder)} in order, ` +
      `${n(totals.failedAsPlanned)} failed as planned, ` +
      `${n(totals.errors.length)} not; ${n(totals.faults)} faults; ` +
      `messages: ${n(totals.sent)} sent, ${n(totals.received)} received, ` +
      `${n(totals.lost)} lost; heap ${mib(last.heap)}, ` +
      `resident ${mib(last.resident)}, ${last.files} files`,
  );
}

/** The growth since the first sample, which is taken after warming up. */
export function grows(samples: readonly Sample[]): string | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last) return undefined;
  if (last.files > first.files) {
    return `Files have grown from ${first.files} to ${last.files}`;
  }
  if (last.heap > first.heap * 1.25 + SLACK_BYTES) {
    return `The heap has grown from ${first.heap} to ${last.heap} bytes`;
  }
  return undefined;
}
