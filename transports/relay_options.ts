import type { Address, WaitOptions } from "./transport.ts";

/** Options of `relay()`. */
export interface RelayOptions extends WaitOptions {
  /**
   * How long a dial may take, in milliseconds: a connection that has arrived
   * waits for it.
   *
   * @default {10000}
   */
  connectTimeout?: number | undefined;
  /**
   * Told of each pair of connections that has failed: because the other side
   * could not be reached, or because one side was cut.
   *
   * @default {undefined}
   */
  onError?: ((error: unknown) => void) | undefined;
}

/** The counts of a relay. */
export interface RelayStats {
  /** Connections that were accepted. */
  readonly accepted: number;
  /** Those of them that have failed. */
  readonly failed: number;
  /** Those of them that are open. */
  readonly open: number;
  /** Bytes from those who connect to the side that is dialled. */
  readonly bytesForward: number;
  /** Bytes back. */
  readonly bytesBack: number;
}

/** A relay at work; to dispose of it is to close it. */
export interface Relay<A extends Address = Address> extends AsyncDisposable {
  /** The address at which it listens. */
  readonly address: A;
  /** The counts at this moment. */
  readonly stats: RelayStats;
  /**
   * Settles when the relay has ended and has released everything; rejects if its
   * listener has failed, which aborts what is open, or could not be closed. It
   * never counts as an unhandled rejection.
   */
  readonly closed: Promise<void>;
  /**
   * Stops listening, aborts what is open, and releases everything.
   *
   * @throws What `closed` rejects with.
   */
  close(): Promise<void>;
}
