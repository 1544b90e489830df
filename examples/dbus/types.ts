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

/** How numbers lie in memory. */
export const NUMBERS = {
  ...{ y: Uint8Array, b: Uint32Array, h: Uint32Array, d: Float64Array },
  ...{ n: Int16Array, i: Int32Array, x: BigInt64Array },
  ...{ q: Uint16Array, u: Uint32Array, t: BigUint64Array },
};

/** Whether a type is a number, or a boolean. */
export function isNumber(code: string): code is keyof typeof NUMBERS {
  return Object.hasOwn(NUMBERS, code);
}

/** The multiple of bytes from the start of a message where a value begins. */
export function alignmentOf(code: string): number {
  if (isNumber(code)) return NUMBERS[code].BYTES_PER_ELEMENT;
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
  if (signature.length > 255) throw wrong();
  let at = 0;
  const next = (depth: number): Type => {
    const code = signature.charAt(at++);
    if (depth > 32) throw wrong();
    if (code === "a") return { code, parts: [next(depth + 1)] };
    if (code === "(" || code === "{") {
      const [end, parts]: [string, Type[]] = [code === "(" ? ")" : "}", []];
      while (signature[at] !== end) parts.push(next(depth + 1));
      at++;
      const right = code === "(" ? parts.length > 0 : parts.length === 2;
      if (right) return { code, parts };
    } else if (isNumber(code) || code && "sogv".includes(code)) {
      return { code, parts: [] };
    }
    throw wrong();
  };
  const types: Type[] = [];
  while (at < signature.length) types.push(next(0));
  return types;
}

/** The one type of a variant. */
export function parseType(signature: string): Type {
  const [type, ...more] = parseSignature(signature);
  if (type && more.length === 0) return type;
  throw new TypeError(`Signature is ${signature}: a variant has one type`);
}
