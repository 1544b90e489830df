import { type Endianness, WriteBuffer } from "@parley/parley";
import {
  alignmentOf,
  isNumber,
  NUMBERS,
  parseSignature,
  type Type,
  type Value,
  Variant,
} from "./types.ts";

const encoder = new TextEncoder();

/** Lays out values behind one another, each aligned to its type. */
export class Writer {
  readonly #output = new WriteBuffer();
  readonly #order: Endianness;

  constructor(order: Endianness) {
    this.#order = order;
  }

  /** How many bytes have been written. */
  get length(): number {
    return this.#output.length;
  }

  /** Takes all that has been written. */
  take(): Uint8Array {
    return this.#output.take();
  }

  /**
   * @throws {TypeError} The values are not of the signature.
   * @throws {RangeError} A number does not fit its type.
   */
  writeAll(signature: string, values: readonly Value[]): void {
    this.#each({ code: signature, parts: parseSignature(signature) }, values);
  }

  align(size: number): void {
    this.#output.bytes(new Uint8Array(-this.length & (size - 1)));
  }

  #write(type: Type, value: Value | undefined): void {
    this.align(alignmentOf(type));
    const { code, parts: [element] } = type;
    if (isNumber(code)) this.#number(code, value);
    else if (code === "v") {
      if (!(value instanceof Variant)) throw mismatch(type, value);
      this.#text("y", value.signature);
      this.writeAll(value.signature, [value.value]);
    } else if (code === "a" && element) this.#array(type, element, value);
    else if (element) this.#each(type, value);
    else if (typeof value !== "string" || value.includes("\0")) {
      throw mismatch(type, value);
    } else this.#text(code === "g" ? "y" : "u", value);
  }

  #number(code: keyof typeof NUMBERS, value: Value | undefined): void {
    const [kind, size] = NUMBERS[code];
    const given = code === "b" && typeof value === "boolean" ? +value : value;
    const isBig = kind !== "float" && size === 8;
    const isRight = typeof given === "bigint"
      ? isBig
      : !isBig && typeof given === "number";
    if (!isRight) throw mismatch({ code, parts: [] }, value);
    this.#output[kind](given as number, size as 8, this.#order);
  }

  #text(length: "y" | "u", value: string): void {
    const bytes = encoder.encode(value);
    this.#number(length, bytes.length);
    this.#output.bytes(bytes);
    this.#output.byte(0);
  }

  #array(type: Type, element: Type, value: Value | undefined): void {
    const size = alignmentOf(element);
    const start = this.length + 4;
    // Its values are aligned to the message: to a multiple of 8 at most.
    const before = (start + (-start & (size - 1))) & 7;
    const inner = new Writer(this.#order);
    inner.#output.bytes(new Uint8Array(before));
    if (element.code === "{" && value instanceof Map) {
      for (const entry of value) inner.#write(element, entry);
    } else if (element.code === "y" && value instanceof Uint8Array) {
      inner.#output.bytes(value);
    } else if (Array.isArray(value)) {
      for (const item of value) inner.#write(element, item);
    } else throw mismatch(type, value);
    const bytes = inner.take().subarray(before);
    this.#number("u", bytes.length);
    this.align(size);
    this.#output.bytes(bytes);
  }

  #each(type: Type, values: Value | readonly Value[] | undefined): void {
    const { parts } = type;
    if (!Array.isArray(values) || values.length !== parts.length) {
      throw mismatch(type, values);
    }
    parts.forEach((part, n) => this.#write(part, values[n]));
  }
}

function mismatch({ code }: Type, value: unknown): TypeError {
  const shown = Array.isArray(value) ? `${value.length} values` : typeof value;
  return new TypeError(`Cannot send ${shown}: expected type ${code}`);
}
