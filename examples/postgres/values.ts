import type { BodyOf } from "./messages.ts";

/** A value of a row: of a type that is not known here, its text. */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** A value for a parameter; bytes are for a `bytea`. */
export type Argument = Value | Date;

/** A row of a result, by the names of its columns. */
export type Row = Record<string, Value>;

const encoder = new TextEncoder();

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

/** A row of the values of its columns. */
export function toRow(
  columns: BodyOf<"RowDescription">,
  values: BodyOf<"DataRow">,
): Row {
  const row: Row = {};
  columns.forEach(({ name, type }, at) => {
    const text = values[at] ?? null;
    const parse = PARSERS.get(type);
    row[name] = text !== null && parse ? parse(text) : text;
  });
  return row;
}

/** The parameters of a statement, as they are sent: as text in UTF-8. */
export function toParameters(args: readonly Argument[]): (Uint8Array | null)[] {
  if (args.length > 0xffff) { // the count has 16 bits
    throw new RangeError(
      `Cannot send ${args.length} parameters: a statement has at most 65,535`,
    );
  }
  return args.map((argument) =>
    argument === null ? null : encoder.encode(toText(argument))
  );
}

function toText(argument: NonNullable<Argument>): string {
  if (argument instanceof Uint8Array) return `\\x${argument.toHex()}`;
  if (argument instanceof Date) return argument.toISOString();
  if (typeof argument !== "object") return String(argument);
  throw new TypeError(
    `Cannot send the parameter: it is ${argument}: JSON.stringify() makes text`,
  );
}
