import type { Wire } from "./wires.ts";

/** Does `count` units of a row's work, and returns the time in milliseconds. */
export type Side = (wire: Wire, count: number) => Promise<number>;

/** One kind of work, and the sides that do it. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** The unit that is counted. */
  readonly unit: string;
  /** The goal for Parley's rate divided by the limit's, for each wire. */
  readonly target: number;
  readonly parley: Side;
  /** The same work, in a hand-written loop over the raw operations. */
  readonly limit: Side;
  /** The alternatives, each with the goal for Parley's rate divided by theirs. */
  readonly alternatives: Record<string, Alternative>;
}

export interface Alternative {
  readonly run: Side;
  readonly target: number;
  /** Whether the side can run over a wire. */
  readonly over?: (wire: Wire) => boolean;
}

/** The result: units a second, one figure a round. */
export interface Result {
  readonly row: string;
  readonly wire: string;
  readonly rates: Record<string, number[]>;
}

/** How often each side runs, and for about how long, by default. */
export const TIMES = { rounds: 25, milliseconds: 120 };

export const PARLEY = "Parley";
export const LIMIT = "raw loop";

/** An implementation of a row's work. */
export interface NamedSide {
  readonly name: string;
  readonly run: Side;
}

/** The sides of a row over a wire, Parley and the limit first. */
export function sidesOf(row: Row, wire: Wire): NamedSide[] {
  const alternatives = Object.entries(row.alternatives)
    .filter(([_, { over }]) => over?.(wire) ?? true)
    .map(([name, { run }]) => ({ name, run }));
  return [
    { name: PARLEY, run: row.parley },
    { name: LIMIT, run: row.limit },
    ...alternatives,
  ];
}

/**
 * Runs the sides in turn, `rounds` times, each for about `milliseconds`. The
 * first of a round changes, so that no side always follows the same other.
 */
export async function measure(
  row: Row,
  wire: Wire,
  sides: readonly NamedSide[],
  { rounds, milliseconds }: { rounds: number; milliseconds: number },
): Promise<Result> {
  const rates: Record<string, number[]> = {};
  const runs = [];
  for (const { name, run } of sides) {
    const count = await calibrate(run, wire, milliseconds);
    runs.push({ run, count, rates: rates[name] = [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { run, count, rates } of runs) {
      rates.push(1000 * count / await run(wire, count));
    }
    runs.push(...runs.splice(0, 1));
  }
  return { row: row.name, wire: wire.name, rates };
}

/** The number of units that take about this long. It also warms the code up. */
async function calibrate(
  side: Side,
  wire: Wire,
  milliseconds: number,
): Promise<number> {
  let count = 2;
  for (;;) {
    const took = await side(wire, count);
    if (took >= milliseconds / 2) return Math.ceil(count * milliseconds / took);
    count *= 2;
  }
}
