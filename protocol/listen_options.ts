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
   * How many events are kept until they are read, and in the history; `overflow`
   * says what happens beyond that.
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
  /**
   * What happens if more events than `limit` or `maxBytes` wait to be read:
   *
   * - `"drop"`: the oldest event is dropped, and counted;
   * - `"fail"`: the listener fails with an `EventOverflowError`, so that no event is
   *   missed unnoticed.
   *
   * @default {"drop"}
   */
  overflow?: "drop" | "fail" | undefined;
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
