import { type Endianness, ProtocolError } from "@parley/parley";
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
import { HOST_ORDER } from "./writer.ts";

const MAX_DEPTH = 64;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads values that lie behind one another, each aligned to its type. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #order: Endianness;
  #at = 0;

  constructor(bytes: Uint8Array, order: Endianness) {
    this.#bytes = bytes;
    this.#order = order;
  }

  /** How many bytes have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  readAll(signature: string): Value[] {
    return parseSignature(signature).map((type) => this.#read(type, 0));
  }

  align(size: number): void {
    this.#take(-this.#at & (size - 1));
  }

  #read({ code, parts }: Type, depth: number): Value {
    if (depth > MAX_DEPTH) {
      throw new ProtocolError("Values are nested too deep");
    }
    this.align(alignmentOf(code));
    if (code === "b") return this.#number("b") !== 0;
    if (isNumber(code)) return this.#number(code);
    if (code === "v") {
      const signature = this.#text("y");
      const value = this.#read(parseType(signature), depth + 1);
      return new Variant(signature, value);
    }
    const [element] = parts;
    if (code === "a" && element) return this.#array(element, depth + 1);
    if (parts.length) return parts.map((part) => this.#read(part, depth + 1));
    return this.#text(code === "g" ? "y" : "u");
  }

  #number(code: keyof typeof NUMBERS): number | bigint {
    const bytes = this.#take(NUMBERS[code].BYTES_PER_ELEMENT).slice();
    if (this.#order !== HOST_ORDER) bytes.reverse();
    const [number = 0] = new NUMBERS[code](bytes.buffer);
    return number;
  }

  #text(length: "y" | "u"): string {
    const bytes = this.#take(Number(this.#number(length)));
    this.#take(1);
    return decoder.decode(bytes);
  }

  #array(element: Type, depth: number): Value {
    const length = Number(this.#number("u"));
    this.align(alignmentOf(element.code));
    if (element.code === "y") return this.#take(length).slice();
    const end = this.#at + length;
    const items: Value[] = [];
    while (this.#at < end) items.push(this.#read(element, depth));
    if (this.#at > end) throw new ProtocolError("Element passes its array");
    return element.code === "{" ? new Map(items as [Value, Value][]) : items;
  }

  #take(size: number): Uint8Array {
    if (size > this.left) throw new ProtocolError("Value passes its message");
    return this.#bytes.subarray(this.#at, this.#at += size);
  }
}
