import type { FaultSchedule } from "./schedule.ts";

const CHUNK_BYTES = 64 * 1024;
const MAX_TURNS = 8;

/** The effects that faults have on a whole connection. */
export interface RelayConnection {
  /** Aborted when the connection has ended. */
  readonly ended: AbortSignal;
  truncate(): Promise<void>;
  reset(where: string): void;
}

/** The two ends of one direction. */
export interface RelayEnds {
  read(into: Uint8Array): Promise<number | null> | number | null;
  /** Ends reading. */
  stop(): void | Promise<void>;
  readFailed(error: unknown): void;
  write(bytes: Uint8Array): Promise<unknown> | number;
  /** Ends writing. */
  end(): void | Promise<void>;
  writeFailed(error: unknown): void;
}

/** Relays one direction, with faults; fulfils at its end. */
export async function relay(
  schedule: FaultSchedule,
  link: RelayConnection,
  ends: RelayEnds,
): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let offset = 0;
  let wrongBit = 0;
  for (;;) {
    let bytes: Uint8Array | undefined;
    try {
      const most = Math.min(CHUNK_BYTES, schedule.offset - offset);
      const count = await ends.read(buffer.subarray(0, most));
      if (count !== null) bytes = buffer.subarray(0, count);
    } catch (error) {
      return ends.readFailed(error);
    }
    try {
      if (!bytes) return await ends.end();
      if (bytes[0] !== undefined) bytes[0] ^= wrongBit;
      wrongBit = 0;
      await ends.write(bytes);
    } catch (error) {
      return ends.writeFailed(error);
    }
    offset += bytes.length;
    if (offset < schedule.offset) continue;
    switch (schedule.next()) {
      case "split":
        break;
      case "delay":
        await turns(1 + schedule.below(MAX_TURNS), link.ended);
        break;
      case "corrupt":
        wrongBit = 1 << schedule.below(8);
        break;
      case "stall":
        return await aborted(link.ended);
      case "truncate":
        return await link.truncate();
      case "reset":
        return link.reset(`${offset} bytes`);
      case "half-close":
        await Promise.allSettled([ends.end(), ends.stop()]);
        return;
    }
  }
}

/** Some turns of the event loop, or fewer where the signal is aborted. */
async function turns(count: number, signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < count && !signal.aborted; turn++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop);
    await promise;
    signal.removeEventListener("abort", stop);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}
