import type { FaultSchedule } from "./schedule.ts";

const CHUNK_BYTES = 64 * 1024;
const MAX_TURNS = 8;

/** What faults can do to a connection. */
export interface RelayConnection {
  /** Aborted when there is nothing to wait for any more. */
  readonly ended: AbortSignal;
  truncate(): Promise<void>;
  reset(where: string): void;
}

/** The two ends of one direction, and how each hears that the other has failed. */
export interface RelayEnds {
  readonly reader: ReadableStreamBYOBReader;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  readFailed(error: unknown): void;
  writeFailed(error: unknown): void;
}

/** Passes on what goes one way, with faults; fulfils when the way is at its end. */
export async function relay(
  schedule: FaultSchedule,
  link: RelayConnection,
  { reader, writer, readFailed, writeFailed }: RelayEnds,
): Promise<void> {
  let offset = 0;
  let wrongBit = 0;
  for (;;) {
    let bytes: Uint8Array | undefined;
    try {
      const most = Math.min(CHUNK_BYTES, schedule.offset - offset);
      const { value, done } = await reader.read(new Uint8Array(most));
      if (!done) bytes = value;
    } catch (error) {
      return readFailed(error);
    }
    try {
      if (!bytes) return await writer.close();
      if (bytes[0] !== undefined) bytes[0] ^= wrongBit;
      wrongBit = 0;
      await writer.write(bytes);
    } catch (error) {
      return writeFailed(error);
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
        await Promise.allSettled([writer.close(), reader.cancel()]);
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
