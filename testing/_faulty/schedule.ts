import { randomFrom } from "./random.ts";
import type { Fault, InjectedFault } from "../fault_plan.ts";

/** A plan with nothing left open. */
export interface WholePlan {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly every: number;
  readonly onFault: (fault: InjectedFault) => void;
}

const ROLES = ["connect", "accept"] as const;
const DIRECTIONS = ["read", "write"] as const;

/** Which direction of which connection. */
export type RelayDirection = Pick<
  InjectedFault,
  "role" | "connection" | "direction"
>;

/** The faults of one direction of a connection, one after the other. */
export class FaultSchedule {
  readonly #plan: WholePlan;
  readonly #course: RelayDirection;
  readonly #random: () => number;
  #offset = 0;

  constructor(plan: WholePlan, course: RelayDirection) {
    this.#plan = plan;
    this.#course = course;
    this.#random = randomFrom(
      plan.seed,
      ROLES.indexOf(course.role),
      course.connection,
      DIRECTIONS.indexOf(course.direction),
    );
    this.#skip();
  }

  /** How many bytes go before the next fault. */
  get offset(): number {
    return this.#offset;
  }

  /** The next fault happens. */
  next(): Fault {
    const { faults, onFault } = this.#plan;
    const fault = faults[this.below(faults.length)];
    if (fault === undefined) throw new Error("There are no faults");
    const offset = this.#offset;
    this.#skip();
    onFault({ fault, ...this.#course, offset });
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
