import { LIMIT, PARLEY, type Result, type Row } from "./harness.ts";

/** A middle, and what half of the figures lie between. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How many times as fast one side was as another, round by round. A figure that
 * another side has no counterpart for is refused: it says nothing.
 */
export function ratio(
  of: readonly number[] | undefined,
  to: readonly number[] | undefined,
): Spread {
  if (!of?.length || of.length !== to?.length) {
    throw new Error("There is no ratio of one side alone");
  }
  return spread(of.map((rate, round) => rate / (to[round] ?? NaN)));
}

/** The median and the quartiles. */
export function spread(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (part: number) => {
    const position = part * (sorted.length - 1);
    const below = sorted[Math.floor(position)] ?? NaN;
    const above = sorted[Math.ceil(position)] ?? NaN;
    return below + (above - below) * (position % 1);
  };
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** One result as lines of a table: each side, and how Parley compares with it. */
export function formatResult(row: Row, { wire, rates }: Result): string {
  const targets: Record<string, number> = { [LIMIT]: row.target };
  for (const [name, { target }] of Object.entries(row.alternatives)) {
    targets[name] = target;
  }
  const lines = [`${row.title}, over ${wire}`];
  for (const [side, figures] of Object.entries(rates)) {
    const rate = `${formatRate(spread(figures).median)} ${row.unit}/s`;
    const start = `  ${side.padEnd(32)}${rate.padStart(20)}`;
    const target = targets[side];
    if (side === PARLEY || target === undefined) lines.push(start);
    else {
      const { median, low, high } = ratio(rates[PARLEY], figures);
      const verdict = median >= target ? "" : `   short of ${target}`;
      lines.push(
        `${start}   Parley × ${two(median)} (${two(low)} to ${
          two(high)
        })${verdict}`,
      );
    }
  }
  return lines.join("\n");
}

function two(figure: number): string {
  return figure.toFixed(2);
}

/** A figure with its thousands apart. */
export function formatRate(rate: number): string {
  const digits = rate < 100 ? 1 : 0;
  return rate.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}
