/**
 * A value: numbers of 64 bits are a `bigint`, `ay` is bytes, a struct and any
 * other array is an array, and a dictionary is a `Map`.
 */
export type Value =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | Variant
  | Value[]
  | Map<Value, Value>;

/** A value that brings its type with it. */
export class Variant {
  readonly signature: string;
  readonly value: Value;

  constructor(signature: string, value: Value) {
    this.signature = signature;
    this.value = value;
  }
}

/** A type: a letter or an opening bracket, and the types within. */
export interface Type {
  code: string;
  parts: Type[];
}

/** The numbers: what reads and writes them, and how many bytes they have. */
export const NUMBERS = {
  y: ["uint", 1],
  b: ["uint", 4],
  n: ["int", 2],
  q: ["uint", 2],
  i: ["int", 4],
  u: ["uint", 4],
  h: ["uint", 4],
  x: ["int", 8],
  t: ["uint", 8],
  d: ["float", 8],
} as const;

/** Whether a type is a number, or a boolean. */
export function isNumber(code: string): code is keyof typeof NUMBERS {
  return Object.hasOwn(NUMBERS, code);
}

/** The multiple of bytes from the start of a message where a value begins. */
export function alignmentOf({ code }: Type): number {
  if (isNumber(code)) return NUMBERS[code][1];
  return code === "(" || code === "{" ? 8 : "gv".includes(code) ? 1 : 4;
}

/**
 * Reads a signature, such as `sa{sv}`.
 *
 * @throws {TypeError} It is not one.
 */
export function parseSignature(signature: string): Type[] {
  const wrong = () =>
    new TypeError(`Cannot use signature: it is ${JSON.stringify(signature)}`);
  let at = 0;
  const next = (depth: number): Type => {
    const code = signature.charAt(at++);
    if (depth > 32) throw wrong();
    if (code === "a") return { code, parts: [next(depth + 1)] };
    if (code === "(" || code === "{") {
      const end = code === "(" ? ")" : "}";
      const parts: Type[] = [];
      while (signature[at] !== end) parts.push(next(depth + 1));
      at++;
      const isRight = code === "(" ? parts.length > 0 : parts.length === 2;
      if (isRight) return { code, parts };
    } else if (isNumber(code) || code && "sogv".includes(code)) {
      return { code, parts: [] };
    }
    throw wrong();
  };
  const types: Type[] = [];
  while (at < signature.length) types.push(next(0));
  return types;
}
