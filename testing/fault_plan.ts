/**
 * What befalls the bytes of one direction of a connection:
 *
 * - `split`: a chunk ends here, and what follows comes in another,
 * - `delay`: what follows comes some turns of the event loop later,
 * - `stall`: nothing follows, and nothing ends,
 * - `truncate`: nothing follows, and both directions end,
 * - `reset`: both directions fail,
 * - `corrupt`: a bit of the next byte is wrong,
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

/** Which faults there are, and how often. */
export interface FaultPlan {
  /**
   * What all the faults follow from: the same seed and bytes give the same
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
  /** Called with each fault as it happens. */
  onFault?: ((fault: InjectedFault) => void) | undefined;
}

/** A fault that has happened. */
export interface InjectedFault {
  /** What has happened. */
  readonly fault: Fault;
  /** What the connection was made by. */
  readonly role: "connect" | "accept";
  /** Which one it was of those made so, counted from 0. */
  readonly connection: number;
  /** The direction, as the user of the faulty transport sees it. */
  readonly direction: "read" | "write";
  /** How many bytes of the direction went before. */
  readonly offset: number;
}
