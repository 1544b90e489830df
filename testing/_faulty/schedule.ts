import { randomFrom } from "./random.ts";
import type { Fault, InjectedFault } from "../fault_plan.ts";

/** A plan whose defaults are filled in. */
export interface WholePlan {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly every: number;
  readonly onFault: (fault: InjectedFault) => void;
}

const ROLES = ["connect", "accept"] as const;
const DIRECTIONS = ["read", "write"] as const;

/** One direction of one connection. */
export type RelayDirection = Pick<
  InjectedFault,
  "role" | "connection" | "direction"
>;

/** The faults of one direction of a connection, in order. */
export class FaultSchedule {
  readonly #plan: WholePlan;
  readonly #direction: RelayDirection;
  readonly #random: () => number;
  #offset = 0;

  constructor(plan: WholePlan, direction: RelayDirection) {
    this.#plan = plan;
    this.#direction = direction;
    this.#random = randomFrom(
      plan.seed,
      ROLES.indexOf(direction.role),
      direction.connection,
      DIRECTIONS.indexOf(direction.direction),
    );
    this.#skip();
  }

  /** The number of bytes before the next fault. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes the next fault, and tells the plan. */
  next(): Fault {
    const { faults, onFault } = this.#plan;
    const fault = faults[this.below(faults.length)];
    if (fault === undefined) throw new Error("There are no faults");
    const offset = this.#offset;
    this.#skip();
    onFault({ fault, ...this.#direction, offset });
    return fault;
  }

  /** A random integer from 0 to below the limit. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #skip(): void {
    this.#offset += 1 + this.below(2 * this.#plan.every - 1);
  }
}
