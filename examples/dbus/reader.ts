import { type Endianness, ReadBuffer } from "@parley/parley";
import {
  alignmentOf,
  isNumber,
  NUMBERS,
  parseSignature,
  type Type,
  type Value,
  Variant,
} from "./types.ts";

/** So many variants may be around a value. */
const MAX_DEPTH = 64;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values that lie behind one another; a `RangeError` says: too short. */
export class Reader {
  readonly #input = new ReadBuffer();
  readonly #order: Endianness;

  constructor(bytes: Uint8Array, order: Endianness) {
    this.#input.append(bytes);
    this.#order = order;
  }

  /** How many bytes have not been read. */
  get left(): number {
    return this.#input.length;
  }

  readAll(signature: string, depth = 0): Value[] {
    if (depth > MAX_DEPTH) throw new RangeError("Values are nested too deep");
    return parseSignature(signature).map((type) => this.#read(type, depth));
  }

  align(size: number): void {
    this.#input.consume(-this.#input.offset & (size - 1));
  }

  #read(type: Type, depth: number): Value {
    this.align(alignmentOf(type));
    const { code, parts } = type;
    if (code === "b") return this.#number("b") !== 0;
    if (isNumber(code)) return this.#number(code);
    if (code === "v") {
      const signature = this.#text("y");
      const [value, ...more] = this.readAll(signature, depth + 1);
      if (value !== undefined && more.length === 0) {
        return new Variant(signature, value);
      }
      throw new TypeError(`Signature is ${signature}: a variant has one type`);
    }
    const [element] = parts;
    if (code === "a" && element) return this.#array(element, depth);
    if (element) return parts.map((part) => this.#read(part, depth));
    return this.#text(code === "g" ? "y" : "u");
  }

  #number(code: keyof typeof NUMBERS): number | bigint {
    const [kind, size] = NUMBERS[code];
    const value = this.#input[kind](0, size as 8, this.#order);
    this.#input.consume(size);
    return value;
  }

  /** Text behind the number of its bytes, with a zero behind. */
  #text(length: "y" | "u"): string {
    const size = Number(this.#number(length));
    return decoder.decode(this.#input.take(size + 1, 0, size));
  }

  /** Values behind the number of their bytes. */
  #array(element: Type, depth: number): Value {
    const length = Number(this.#number("u"));
    this.align(alignmentOf(element));
    if (element.code === "y") return this.#input.take(length);
    const end = this.#input.offset + length;
    const items: Value[] = [];
    while (this.#input.offset < end) items.push(this.#read(element, depth));
    if (this.#input.offset > end) throw new RangeError("Array is too short");
    return element.code === "{" ? new Map(items as [Value, Value][]) : items;
  }
}
