import type { QMPEvent, QMPMessage } from "../messages.ts";
import type { EmitOptions } from "../session.ts";

/** An event as it is sent, with its members in QEMU's order. */
export function eventMessage(
  event: string,
  data: unknown,
  { timestamp = now() }: EmitOptions = {},
): QMPMessage {
  return data === undefined ? { timestamp, event } : { timestamp, event, data };
}

function now(): QMPEvent["timestamp"] {
  const ms = performance.timeOrigin + performance.now();
  return {
    seconds: Math.floor(ms / 1000),
    microseconds: Math.floor((ms % 1000) * 1000),
  };
}
