import { LIMIT, PARLEY, type Result, type Row } from "./harness.ts";
import { rows } from "./rows.ts";
import { WIRES } from "./wires.ts";

/** The median and the quartiles of figures. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * One side's rate divided by another's, round by round. It throws if a round has
 * a figure of only one side.
 */
export function ratio(
  of: readonly number[] | undefined,
  to: readonly number[] | undefined,
): Spread {
  if (!of?.length || of.length !== to?.length) {
    throw new Error("Cannot make a ratio: there are figures of one side alone");
  }
  return spread(of.map((rate, round) => rate / (to[round] ?? NaN)));
}

/** Computes the median and the quartiles. */
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

/** One result as lines of text: each side, and Parley's rate divided by its rate. */
export function formatResult({ row: name, wire, rates }: Result): string {
  const row = rows.find((row) => row.name === name);
  if (!row) throw new Error(`Unknown row: ${name}`);
  const targets: Record<string, number> = { [LIMIT]: row.target };
  for (const [name, { target }] of Object.entries(row.alternatives)) {
    targets[name] = target;
  }
  const lines = [`${row.title}, over ${wire}`];
  for (const [side, figures] of Object.entries(rates)) {
    const rate = `${formatRate(spread(figures).median)} ${row.unit}/s`;
    const start = `  ${side.padEnd(50)}${rate.padStart(22)}`;
    const target = targets[side];
    if (side === PARLEY || target === undefined) {
      lines.push(start);
    } else {
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

/** The tables of docs/performance.md: Parley's rate by the limit's, and rates over Unix. */
export function formatTables(results: readonly Result[]): string {
  const find = (row: Row, wire: string) =>
    results.find((result) => result.row === row.name && result.wire === wire);
  const parts = rows.map((row) => [
    row.title,
    ...WIRES.map((wire) => {
      const { rates = {} } = find(row, wire) ?? {};
      const { median, low, high } = ratio(rates[PARLEY], rates[LIMIT]);
      return `${two(median)} (${two(low)} to ${two(high)})`;
    }),
    two(row.target),
  ]);
  const overUnix = rows.map((row) => {
    const { rates = {} } = find(row, "unix") ?? {};
    const rate = (side: string) => formatRate(spread(rates[side] ?? []).median);
    const others = Object.keys(row.alternatives).map((side) =>
      `${side} ${rate(side)} (× ${
        two(ratio(rates[PARLEY], rates[side]).median)
      })`
    );
    return [row.title, rate(PARLEY), rate(LIMIT), others.join("; ")];
  });
  return [
    ...table(["work", "Unix", "TCP", "TLS", "memory", "goal"], parts),
    "",
    ...table(
      ["a second, over Unix", PARLEY, LIMIT, "alternatives"],
      overUnix,
    ),
  ].join("\n");
}

function table(head: string[], rows: string[][]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) =>
    `| ${cells.join(" | ")} |`
  );
}

function two(figure: number): string {
  return figure.toFixed(2);
}

/** A figure with spaces between the thousands. */
export function formatRate(rate: number): string {
  const digits = rate < 100 ? 1 : 0;
  return rate.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}
