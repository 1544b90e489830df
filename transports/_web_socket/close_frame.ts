import { WebSocketError } from "./frame.ts";

/** Why a peer has closed. */
export interface CloseReason {
  /** The code; 1005 if the frame has none (RFC 6455 §7.1.5). */
  readonly code: number;
  readonly reason: string;
}

/** No code was given. */
const NO_STATUS = 1005;

/** Whether a close is orderly: normal, going away, or no code was given. */
export function isOrderly(code: number): boolean {
  return [1000, 1001, NO_STATUS].includes(code);
}

/** Codes that may be sent (§7.4): those of the standards, and of applications. */
function isSendable(code: number): boolean {
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code) ||
    code >= 3000 && code <= 4999;
}

/**
 * The payload of a Close frame as its reason.
 *
 * @throws {WebSocketError} It breaks a rule of §5.5.1 or §7.4.
 */
export function parseClose(payload: Uint8Array): CloseReason {
  if (payload.length === 0) return { code: NO_STATUS, reason: "" };
  const [high, low] = payload;
  if (high === undefined || low === undefined) {
    throw new WebSocketError("a Close frame has half a code");
  }
  const code = 256 * high + low;
  if (!isSendable(code)) {
    throw new WebSocketError(`a Close frame has the code ${code}`);
  }
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return { code, reason: decoder.decode(payload.subarray(2)) };
  } catch {
    throw new WebSocketError("a Close frame's reason is not UTF-8", 1007);
  }
}

/** The payload of a Close frame with a code, and a short text in ASCII. */
export function formatClose(code: number, reason = ""): Uint8Array {
  const text = new TextEncoder().encode(reason.slice(0, 100));
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}
