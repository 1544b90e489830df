/**
 * A feature that not every transport has:
 *
 * - `listener`: it listens and connects; a function that makes two ends of a
 *   connection does not,
 * - `half-close`: one direction ends and the other goes on; WebSocket ends both,
 * - `backpressure`: a peer that does not read holds up the writer.
 */
export type TransportFeature = "listener" | "half-close" | "backpressure";

/** Options of {@linkcode testTransport}. */
export interface TestTransportOptions {
  /**
   * The features that the transport cannot have. The laws that need one of them
   * are reported as ignored and as not applicable, and do not count as held.
   *
   * @default {[]}
   */
  lacks?: readonly TransportFeature[] | undefined;
}
