import { printable } from "./_util/printable.ts";
import { told } from "./_util/told.ts";
import type { Runstate } from "./runstate.ts";

/**
 * The root of the errors that a caller may want to tell apart.
 *
 * ```
 * ParleyError
 * ├── ConnectError          no connection or no session came about: see its cause
 * ├── StateError            our mistake: the call does not fit the runstate
 * ├── ProtocolError         the peer broke the rules
 * │   ├── DecodeError         bytes that are not a message
 * │   ├── MessageTooLargeError  a message over its limit
 * │   └── TruncatedMessageError  the stream ended within a message
 * ├── EndOfStreamError      the peer ended between messages
 * ├── FlushTimeoutError     an end was forced with bytes unsent
 * ├── IdleTimeoutError      no byte has gone either way for too long
 * ├── QueueLimitError       a session holds more bytes than maxQueuedBytes
 * ├── EventOverflowError    a listener does not read its events fast enough
 * └── CallError             a call that has no reply
 *     ├── CallInterruptedError  the session ended first
 *     └── CallTimeoutError      the call's own deadline has passed
 * ```
 *
 * A wrong argument is a `TypeError` or a `RangeError`. An abort is the signal's
 * own reason. An error of the operating system is one of `Deno.errors`; in Node
 * and in browsers it has the same `name`. QMP and JSON-RPC add errors of their own.
 */
export class ParleyError extends Error {
  /** Like `Error`; `name` is the name of the class. */
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No connection, or no session over it, came about; `cause` says why. */
export class ConnectError extends ParleyError {}

/** A call that does not fit the runstate; nothing has changed. */
export class StateError extends ParleyError {
  /** The runstate that there was. */
  readonly state: Runstate;
  /** The runstate that the call needs. */
  readonly required: Runstate;

  /** Takes the two states beside the message. */
  constructor(
    message: string,
    state: Runstate,
    required: Runstate,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.state = state;
    this.required = required;
  }
}

/** The peer broke the rules of the protocol. */
export class ProtocolError extends ParleyError {}

/** Where in the stream a message could not be decoded. */
export interface DecodeErrorOptions extends ErrorOptions {
  /** The offset, in bytes from the start of the stream. */
  offset: number;
  /** The bytes at fault; a short excerpt of them is kept. */
  bytes: Uint8Array;
}

/** Bytes that can never become a message. */
export class DecodeError extends ProtocolError {
  /** Where the message at fault begins, in bytes from the start of the stream. */
  readonly offset: number;
  /** The first bytes at fault as printable text. */
  readonly excerpt: string;

  /** Puts the offset and the excerpt behind the message. */
  constructor(message: string, options: DecodeErrorOptions) {
    const excerpt = excerptOf(options.bytes);
    const hint = options.offset === 0 && isTlsHello(options.bytes)
      ? ": the peer speaks TLS"
      : "";
    super(
      `${message} at offset ${options.offset}: ${excerpt}${hint}`,
      options,
    );
    this.offset = options.offset;
    this.excerpt = excerpt;
  }
}

/** The limit of the size of a message. */
export interface MessageTooLargeErrorOptions extends ErrorOptions {
  /**
   * The name of the limit.
   *
   * @default {"maxMessageBytes"}
   */
  limitName?: string | undefined;
}

/** A message is larger than the limit; raised before its memory is taken. */
export class MessageTooLargeError extends ProtocolError {
  /** The limit, in bytes. */
  readonly limit: number;
  /** Where the message begins, in bytes from the start of the stream. */
  readonly offset: number;

  /** Says the limit, and where the message begins. */
  constructor(
    limit: number,
    offset: number,
    options: MessageTooLargeErrorOptions = {},
  ) {
    const { limitName = "maxMessageBytes" } = options;
    super(
      `Message at offset ${offset} is larger than the limit: ${limitName} is ${limit}`,
      options,
    );
    this.limit = limit;
    this.offset = offset;
  }
}

/** The stream ended within a message. */
export class TruncatedMessageError extends ProtocolError {
  /** Where the message begins, in bytes from the start of the stream. */
  readonly offset: number;
  /** The number of bytes of it that have come. */
  readonly length: number;

  /** Says where the message begins and how much of it there is. */
  constructor(offset: number, length: number, options?: ErrorOptions) {
    super(
      `Stream ended within a message: ${length} bytes from offset ${offset}`,
      options,
    );
    this.offset = offset;
    this.length = length;
  }
}

/** The peer ended the stream between messages. */
export class EndOfStreamError extends ParleyError {}

/** The end of a session was forced with bytes unsent. */
export class FlushTimeoutError extends ParleyError {
  /** How many bytes the transport has not taken. */
  readonly unsentBytes: number;

  /** Takes the number of bytes beside the message. */
  constructor(message: string, unsentBytes: number, options?: ErrorOptions) {
    super(message, options);
    this.unsentBytes = unsentBytes;
  }
}

/** The call that has failed. */
export interface CallErrorOptions extends ErrorOptions {
  /**
   * The name of what was called.
   *
   * @default {undefined}
   */
  method?: string | undefined;
  /**
   * Whether the request may have reached the peer.
   *
   * @default {true}
   */
  sent?: boolean | undefined;
}

/** A call that has no reply. */
export class CallError extends ParleyError {
  /** The name of what was called, if it is known. */
  readonly method?: string;
  /** Whether the request may have reached the peer: if not, it can be repeated. */
  readonly sent: boolean;

  /** Takes the name of the method beside the message. */
  constructor(message: string, options: CallErrorOptions = {}) {
    super(message, options);
    if (options.method !== undefined) this.method = options.method;
    this.sent = options.sent ?? true;
  }
}

/** The session ended before the reply; `cause` is the session's first cause. */
export class CallInterruptedError extends CallError {
  /** Takes the name of the method beside the message. */
  constructor(message: string, options: CallErrorOptions = {}) {
    super(message, options);
    told(options.cause);
  }
}

/** The call's own deadline has passed; the message names it. */
export class CallTimeoutError extends CallError {}

/** No byte has gone either way for too long. */
export class IdleTimeoutError extends ParleyError {
  /** The limit, in milliseconds. */
  readonly idleTimeout: number;

  /** Says the limit. */
  constructor(idleTimeout: number, options?: ErrorOptions) {
    super(
      `Session was idle: no byte has gone either way for an idleTimeout of ${idleTimeout} ms`,
      options,
    );
    this.idleTimeout = idleTimeout;
  }
}

/**
 * A session holds more bytes than it may: its peer does not read, or the sessions
 * of its server hold too much together, and this one holds the most.
 */
export class QueueLimitError extends ParleyError {
  /** The limit, `maxQueuedBytes` of the session or of its server. */
  readonly limit: number;
  /** How many bytes the session holds. */
  readonly bytes: number;

  /** Takes the two figures beside the message. */
  constructor(
    message: string,
    limit: number,
    bytes: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.limit = limit;
    this.bytes = bytes;
  }
}

/** A listener with `overflow: "fail"` does not read its events fast enough. */
export class EventOverflowError extends ParleyError {}

const EXCERPT_BYTES = 32;

/** Whether bytes begin with the handshake record of TLS (RFC 8446 §5.1). */
function isTlsHello([type, major]: Uint8Array): boolean {
  return type === 0x16 && major === 3;
}

/** The first bytes as quoted text, escaped. */
function excerptOf(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(bytes.subarray(0, EXCERPT_BYTES));
  const quoted = printable(JSON.stringify(text));
  return quoted + (bytes.length > EXCERPT_BYTES ? "…" : "");
}
