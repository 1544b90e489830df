import { show } from "../_util/show.ts";
import { checkNumber, checkString } from "../_util/validate.ts";
import type { AsyncProtocolOptions } from "../async_protocol_options.ts";
import { messageLimit } from "../codecs/_util/options.ts";

/** The `closeTimeout` by default, in milliseconds. */
export const CLOSE_TIMEOUT = 5_000;

/** The limits of a protocol's sessions, in bytes and milliseconds. */
export interface SessionLimits {
  maxMessageBytes: number;
  highWaterMark: number;
  maxQueuedBytes: number;
  handshakeTimeout: number;
  idleTimeout: number;
  keepAliveInterval: number;
  keepAliveDirection: "received" | "either";
  closeTimeout: number;
}

/** Checks the options of a protocol, and adds the defaults. */
export function sessionLimits(options: AsyncProtocolOptions): SessionLimits {
  const {
    maxMessageBytes = Infinity,
    highWaterMark = 128 * 1024,
    maxQueuedBytes = 8 * 1024 * 1024,
    handshakeTimeout = 10_000,
    idleTimeout = Infinity,
    keepAliveInterval = Infinity,
    keepAliveDirection = "received",
    closeTimeout = CLOSE_TIMEOUT,
  } = options;
  checkString("name", options.name);
  messageLimit({ maxMessageBytes });
  checkNumber("highWaterMark", highWaterMark, 0, Infinity);
  checkNumber("maxQueuedBytes", maxQueuedBytes, 1, Infinity);
  checkNumber("handshakeTimeout", handshakeTimeout, 0, Infinity);
  checkNumber("idleTimeout", idleTimeout, 1, Infinity);
  checkNumber("keepAliveInterval", keepAliveInterval, 1, Infinity);
  checkDirection(keepAliveDirection);
  checkNumber("closeTimeout", closeTimeout, 0, Infinity);
  return {
    maxMessageBytes,
    highWaterMark,
    maxQueuedBytes,
    handshakeTimeout,
    idleTimeout,
    keepAliveInterval,
    keepAliveDirection,
    closeTimeout,
  };
}

function checkDirection(direction: string): void {
  if (direction === "received" || direction === "either") return;
  throw new TypeError(
    `Cannot use the option: keepAliveDirection is ${
      show(direction)
    }: it must be "received" or "either"`,
  );
}
