import type { Column, Parameter } from "./messages.ts";

/** A value of a row: of a type that is not known here, its text. */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** A value for a parameter; bytes are the binary form of the type. */
export type Argument = Value | Date;

/** A row of a result, by the names of its columns. */
export type Row = Record<string, Value>;

/** Their count has 16 bits. */
const MAX_PARAMETERS = 0xffff;

/** The values by the OIDs of their types; JSON, times and so on stay text. */
const PARSERS = new Map<number, (text: string) => Value>([
  [16, (text) => text === "t"], // bool
  [17, (text) => Uint8Array.fromHex(text.slice(2))], // bytea, as \x…
  [20, BigInt], // int8
  [21, Number], // int2
  [23, Number], // int4
  [26, Number], // oid
  [700, Number], // float4
  [701, Number], // float8
]);

/** A column, and how its text is parsed, if it is. */
export interface Parser {
  readonly name: string;
  readonly parse: ((text: string) => Value) | undefined;
}

export function toParser({ name, type }: Column): Parser {
  return { name, parse: PARSERS.get(type) };
}

/** A row of the values of its columns. */
export function toRow(
  columns: readonly Parser[],
  values: readonly (string | null)[],
): Row {
  const row: Row = {};
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    const text = values[at];
    if (!column) continue;
    row[column.name] = text === null || text === undefined
      ? null
      : column.parse
      ? column.parse(text)
      : text;
  }
  return row;
}

/** The parameters of a statement, as they are sent. */
export function toParameters(args: readonly Argument[]): Parameter[] {
  if (args.length <= MAX_PARAMETERS) return args.map(toParameter);
  throw new RangeError(
    `Cannot send the parameters: there are ${args.length}, expected at most ${MAX_PARAMETERS}`,
  );
}

function toParameter(argument: Argument): Parameter {
  if (argument === null || argument instanceof Uint8Array) return argument;
  if (argument instanceof Date) return argument.toISOString();
  if (typeof argument !== "object") return String(argument);
  throw new TypeError(
    `Cannot send the parameter: it is ${argument}: JSON.stringify() makes text`,
  );
}
