import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  MessageTooLargeError,
} from "@parley/parley/codecs";

export type Value = number | string | Value[];

const [LIST, INTEGER, END, COLON] = [..."lie:"].map((c) => c.charCodeAt(0));
const NOT_BENCODE = "Message is not bencode";
/** The most bytes of a number: more than these are never scanned again. */
const MAX_NUMBER = 20;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class Bencode implements Codec<Value> {
  readonly #limit: number;
  // What is known of the value at the front, for the next call.
  #input: CodecInput | undefined;
  #offset = 0;
  #at = 0;
  #open: Value[][] = [];

  constructor({ maxMessageBytes = 65_536 }: CodecOptions = {}) {
    this.#limit = maxMessageBytes;
  }

  decode(input: CodecInput): Value | undefined {
    if (input !== this.#input || input.offset !== this.#offset) {
      this.#input = input;
      this.#offset = input.offset;
      this.#at = 0;
      this.#open = [];
    }
    while (this.#at < input.length) {
      const byte = input.at(this.#at);
      if (byte === LIST) {
        this.#at++;
        this.#open.push([]);
        continue;
      }
      const value = byte === END ? this.#list(input) : this.#item(input);
      if (value === undefined) break; // Its end has not arrived.
      this.#assertFits(this.#at, input);
      const list = this.#open.at(-1);
      if (list === undefined) {
        input.consume(this.#at);
        return value;
      }
      list.push(value);
    }
    this.#assertFits(input.length, input);
    return undefined;
  }

  encode(value: Value, output: CodecOutput): void {
    if (Array.isArray(value)) {
      output.text("l");
      for (const item of value) this.encode(item, output);
      output.text("e");
    } else if (typeof value === "string") {
      output.text(`${encoder.encode(value).length}:${value}`);
    } else {
      output.text(`i${value}e`);
    }
  }

  #list(input: CodecInput): Value[] {
    const list = this.#open.pop();
    if (list === undefined) throw input.malformed(NOT_BENCODE);
    this.#at++;
    return list;
  }

  #item(input: CodecInput): number | string | undefined {
    const isInteger = input.at(this.#at) === INTEGER;
    const bytes = input.subarray(this.#at, this.#at + MAX_NUMBER);
    const size = bytes.indexOf((isInteger ? END : COLON) ?? 0) + 1;
    if (size === 0 && bytes.length < MAX_NUMBER) return undefined;
    const number = decoder.decode(bytes.subarray(0, size));
    if (!/^(i-?\d+e|\d+:)$/.test(number)) throw input.malformed(NOT_BENCODE);
    if (isInteger) {
      this.#at += size;
      return Number(number.slice(1, -1));
    }
    const start = this.#at + size;
    const end = start + Number(number.slice(0, -1));
    this.#assertFits(end, input);
    if (end > input.length) return undefined;
    this.#at = end;
    return decoder.decode(input.subarray(start, end));
  }

  #assertFits(size: number, input: CodecInput): void {
    if (size > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
  }
}
