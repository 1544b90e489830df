import type { WaitOptions } from "../transports/transport.ts";

/** Options of a listener. */
export interface ListenOptions<E> extends WaitOptions {
  /**
   * Selects events, beside their names. It is also given the event's size in
   * bytes, as it was received. An error that it throws closes the listener.
   *
   * @default {undefined}
   */
  filter?: ((event: E, bytes: number) => boolean) | undefined;
  /**
   * How many events are kept until they are read, and in the history. Beyond
   * that the oldest event is dropped, and counted if it was not read.
   *
   * @default {1024}
   */
  limit?: number | undefined;
  /**
   * How many bytes of events are kept, as they were received, until they are
   * read, and in the history. The newest event is kept in any case.
   *
   * @default {8388608}
   */
  maxBytes?: number | undefined;
}

/** Options of a wait for an event. */
export interface NextEventOptions<E> extends WaitOptions {
  /**
   * Selects events, beside their names. An error that it throws ends the wait.
   *
   * @default {undefined}
   */
  filter?: ((event: E) => boolean) | undefined;
  /**
   * How long the wait may take, in milliseconds.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
}
