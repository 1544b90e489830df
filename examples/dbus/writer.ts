import type { Endianness } from "@parley/parley";
import { concat } from "@std/bytes";
import {
  alignmentOf,
  isNumber,
  NUMBERS,
  parseSignature,
  parseType,
  type Type,
  type Value,
  Variant,
} from "./types.ts";

export const HOST_ORDER: Endianness =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "little" : "big";
const encoder = new TextEncoder();

/** Lays out values behind one another, each aligned to its type. */
export class Writer {
  readonly #order: Endianness;
  readonly #chunks: Uint8Array[] = [];
  #at: number;

  /** @param start Where in the message the first byte comes. */
  constructor(order: Endianness, start = 0) {
    this.#order = order;
    this.#at = start;
  }

  /** All that has been written. */
  get bytes(): Uint8Array {
    return concat(this.#chunks);
  }

  /** @throws {TypeError} The values are not of the signature. */
  writeAll(signature: string, values: readonly Value[]): void {
    this.#each({ code: signature, parts: parseSignature(signature) }, values);
  }

  align(size: number): void {
    const missing = -this.#at & (size - 1);
    if (missing) this.#push(new Uint8Array(missing));
  }

  #write(type: Type, value: Value | undefined): void {
    const { code, parts: [element] } = type;
    this.align(alignmentOf(code));
    if (isNumber(code)) this.#number(code, value);
    else if (code === "v") {
      if (!(value instanceof Variant)) throw mismatch(type, value);
      this.#text("y", value.signature);
      this.#write(parseType(value.signature), value.value);
    } else if (code === "a" && element) this.#array(type, element, value);
    else if (code === "(" || code === "{") this.#each(type, value);
    else if (typeof value !== "string" || value.includes("\0")) {
      throw mismatch(type, value);
    } else this.#text(code === "g" ? "y" : "u", value);
  }

  #number(code: keyof typeof NUMBERS, value: Value | undefined): void {
    const given = code === "b" && typeof value === "boolean" ? +value : value;
    const wanted = code === "x" || code === "t" ? "bigint" : "number";
    const kind = typeof given;
    if (kind !== wanted) throw mismatch({ code, parts: [] }, value);
    const memory = NUMBERS[code].of(given as never);
    if (!Object.is(memory[0], given)) {
      throw new RangeError(
        `Cannot send ${value}: it does not fit type ${code}`,
      );
    }
    const bytes = new Uint8Array(memory.buffer);
    this.#push(this.#order === HOST_ORDER ? bytes : bytes.reverse());
  }

  #text(length: "y" | "u", value: string): void {
    const bytes = encoder.encode(value);
    this.#number(length, bytes.length);
    this.#push(bytes);
    this.#push(new Uint8Array(1));
  }

  #array(type: Type, element: Type, value: Value | undefined): void {
    const size = alignmentOf(element.code);
    const start = this.#at + 4;
    const inner = new Writer(this.#order, start + (-start & (size - 1)));
    if (element.code === "{" && value instanceof Map) {
      for (const entry of value) inner.#write(element, entry);
    } else if (element.code === "y" && value instanceof Uint8Array) {
      inner.#push(value);
    } else if (Array.isArray(value)) {
      for (const item of value) inner.#write(element, item);
    } else throw mismatch(type, value);
    const { bytes } = inner;
    this.#number("u", bytes.length);
    this.align(size);
    this.#push(bytes);
  }

  #each(type: Type, values: Value | readonly Value[] | undefined): void {
    const { parts } = type;
    if (!Array.isArray(values) || values.length !== parts.length) {
      throw mismatch(type, values);
    }
    parts.forEach((part, n) => this.#write(part, values[n]));
  }

  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#at += bytes.length;
  }
}

function mismatch({ code }: Type, value: unknown): TypeError {
  const shown = Array.isArray(value) ? `${value.length} values` : typeof value;
  return new TypeError(`Cannot send ${shown}: expected type ${code}`);
}
