import type { QMPEventListener } from "../../../qmp/mod.ts";

/** The names of a listener's queued events, taken by `clear()`. */
export function queued(listener: QMPEventListener): string[] {
  return listener.clear().map(({ event }) => event);
}

/** The names of all events that an iteration still yields. */
export async function rest(
  events: AsyncIterable<{ event: string }>,
): Promise<string[]> {
  return (await Array.fromAsync(events)).map(({ event }) => event);
}
