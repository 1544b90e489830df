import type { QMPEvent, QMPMessage } from "../messages.ts";
import type { EmitOptions } from "../session.ts";

/** An event as it is sent; its members are in the order that QEMU has. */
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
