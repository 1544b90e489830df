/**
 * A fault in one direction of a connection:
 *
 * - `split`: a chunk ends here, and the next byte comes in another chunk,
 * - `delay`: the next byte comes some turns of the event loop later,
 * - `stall`: nothing follows, and nothing ends,
 * - `truncate`: nothing follows, and both directions end,
 * - `reset`: both directions fail,
 * - `corrupt`: one bit of the next byte is wrong,
 * - `half-close`: nothing follows: this direction ends, and the other goes on.
 */
export type Fault =
  | "split"
  | "delay"
  | "stall"
  | "truncate"
  | "reset"
  | "corrupt"
  | "half-close";

/** The kinds of faults, and how often they happen. */
export interface FaultPlan {
  /**
   * All faults follow from it: the same seed and the same bytes give the same
   * faults. An integer from 0 to 2^32 - 1.
   *
   * @default {a random one, which `toString()` and the errors show}
   */
  seed?: number | undefined;
  /**
   * The kinds of faults. One that is named twice is twice as frequent.
   *
   * @default {["split", "delay", "stall", "truncate", "reset", "corrupt", "half-close"]}
   */
  faults?: readonly Fault[] | undefined;
  /**
   * The number of bytes from one fault to the next, on average.
   *
   * @default {4096}
   */
  every?: number | undefined;
  /**
   * Called with each fault as it happens.
   *
   * @default {undefined}
   */
  onFault?: ((fault: InjectedFault) => void) | undefined;
}

/** A fault that has happened. */
export interface InjectedFault {
  /** The kind. */
  readonly fault: Fault;
  /** The method that made the connection. */
  readonly role: "connect" | "accept";
  /** The number of the connection among those made so, from 0. */
  readonly connection: number;
  /** The direction, as the user of the faulty transport sees it. */
  readonly direction: "read" | "write";
  /** The number of bytes that have gone in this direction before. */
  readonly offset: number;
}
