import type { Wire } from "./wires.ts";

/** Does so many units of a row's work, and says in how many milliseconds. */
export type Side = (wire: Wire, count: number) => Promise<number>;

/** One kind of work, and those who do it beside each other. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** What is counted. */
  readonly unit: string;
  /** What Parley is to reach of the limit. */
  readonly target: number;
  readonly parley: Side;
  /** The same work, in a loop that is written by hand over the raw operations. */
  readonly limit: Side;
  /** What a user would otherwise pick, and how many times as fast Parley is to be. */
  readonly alternatives: Record<string, Alternative>;
}

export interface Alternative {
  readonly run: Side;
  readonly target: number;
  /** Whether it can be had over a wire. */
  readonly over?: (wire: Wire) => boolean;
}

/** What came out: units a second, a figure a round. */
export interface Result {
  readonly row: string;
  readonly wire: string;
  readonly rates: Record<string, number[]>;
}

export const PARLEY = "Parley";
export const LIMIT = "raw loop";

/** The sides of a row over a wire, Parley and the limit first. */
export function sidesOf(row: Row, wire: Wire): Record<string, Side> {
  const sides: Record<string, Side> = {
    [PARLEY]: row.parley,
    [LIMIT]: row.limit,
  };
  for (const [name, { run, over }] of Object.entries(row.alternatives)) {
    if (over?.(wire) ?? true) sides[name] = run;
  }
  return sides;
}

/**
 * Runs the sides in turn, `rounds` times, each for about `milliseconds`. The
 * first of a round changes, so that no side always follows the same other.
 */
export async function measure(
  row: Row,
  wire: Wire,
  sides: Record<string, Side>,
  { rounds, milliseconds }: { rounds: number; milliseconds: number },
): Promise<Result> {
  const rates: Record<string, number[]> = {};
  const runs = [];
  for (const [name, side] of Object.entries(sides)) {
    const count = await calibrate(side, wire, milliseconds);
    runs.push({ side, count, rates: rates[name] = [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { side, count, rates } of runs) {
      rates.push(1000 * count / await side(wire, count));
    }
    runs.push(...runs.splice(0, 1));
  }
  return { row: row.name, wire: wire.name, rates };
}

/** How many units take about so long; the code is warm after it. */
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
