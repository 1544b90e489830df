import type { WaitOptions } from "../transports/transport.ts";

/** Options of every protocol. */
export interface AsyncProtocolOptions {
  /**
   * A name for logs and inspection.
   *
   * @default {undefined}
   */
  name?: string | undefined;
  /**
   * The maximum size of an incoming message, in bytes. The codec gets it; a
   * codec has a limit of its own if it is not given. If a codec does not enforce
   * it, the session ends with a `MessageTooLargeError` when more than 8 KiB beyond
   * it have arrived, and no whole message: these are for headers and whatever else
   * is around a message. A larger message that arrives whole, in one read, is for
   * the codec to refuse.
   *
   * @default {undefined}
   */
  maxMessageBytes?: number | undefined;
  /**
   * How many bytes may be queued before `send()` waits for room. Text that is
   * not encoded yet, of which there are at most 64 Ki UTF-16 units, counts as a
   * byte a unit.
   *
   * @default {131072}
   */
  highWaterMark?: number | undefined;
  /**
   * The maximum number of bytes that the session holds for its peer: messages
   * that are queued to be sent, and received messages that are kept. A session
   * whose queue alone is larger ends with a `QueueLimitError` at the next
   * `send()`: this happens if sends are not awaited, or are many at once. While
   * the session holds more, it reads nothing: if both sides queue more at the same
   * time, each waits for the other, until `idleTimeout` ends it. A single message
   * may be larger, but give more than the largest one if both sides send such.
   *
   * @default {8388608}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * How long `negotiate()` may take, in milliseconds. After that, connecting
   * fails with a `ConnectError` whose cause says so.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * How long no byte may go either way, in milliseconds, also in a negotiation.
   * After that, and up to a quarter later, the session ends with an
   * `IdleTimeoutError`. What `keepAlive()` sends at once does not count.
   *
   * @default {Infinity}
   */
  idleTimeout?: number | undefined;
  /**
   * After how many milliseconds in which no byte was received `keepAlive()` is
   * called, and again after each such time, up to a quarter later. The time does
   * not count in which a handler holds the reader, unless it waits for the peer to
   * read.
   *
   * @default {Infinity}
   */
  keepAliveInterval?: number | undefined;
  /**
   * Whose silence `keepAliveInterval` is about: nothing was received, or either
   * nothing was received or nothing was sent. The second is for a peer that ends
   * a session in which it hears nothing, as MQTT and AMQP do, however much it
   * says itself.
   *
   * @default {"received"}
   */
  keepAliveDirection?: "received" | "either" | undefined;
  /**
   * How long an orderly end may take, in milliseconds, before it is forced.
   *
   * @default {5000}
   */
  closeTimeout?: number | undefined;
}

/** Options of `disconnect()`. */
export interface DisconnectOptions extends WaitOptions {
  /**
   * Why the session is ended: `signal`, `closed` and iterations tell it, as they
   * do if a session fails. `reconnecting()` takes it for a failure, too, and goes
   * on.
   *
   * @default {undefined}
   */
  reason?: unknown;
}
