import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  MessageTooLargeError,
  TruncatedMessageError,
} from "@parley/parley";

/** A value of RESP. A request is an array of strings. */
export type Value = string | number | null | RedisError | Value[];

/** An error that the server replies with, such as `ERR unknown command`. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** Makes the codec of one session. */
export function resp(options: CodecOptions = {}): Codec<Value> {
  return new Resp(options.maxMessageBytes ?? 1024 * 1024);
}

const NOT_RESP = "Message is not RESP";
const CR = 0x0d;
const LF = 0x0a;
const MAX_LINE_BYTES = 1024;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

class Resp implements Codec<Value> {
  readonly #limit: number;
  /** Where the current message begins, in bytes from the start of the stream. */
  #start = 0;
  /** The array whose elements are arriving. */
  #array: { length: number; elements: Value[] } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  decode(input: CodecInput): Value | undefined {
    for (;;) {
      let array = this.#array;
      if (!array) this.#start = input.offset;
      const item = this.#item(input);
      if (!item) return undefined; // more bytes are needed
      if ("length" in item) array = { length: item.length, elements: [] };
      else if (array) array.elements.push(item.value);
      else return item.value;
      this.#checkSize(input.offset);
      this.#array = array;
      if (array.elements.length < array.length) continue;
      this.#array = undefined;
      return array.elements;
    }
  }

  end(input: CodecInput): Value | undefined {
    const value = this.decode(input);
    if (value !== undefined || input.length === 0 && !this.#array) return value;
    const length = input.offset + input.length - this.#start;
    throw new TruncatedMessageError(this.#start, length);
  }

  encode(value: Value, output: CodecOutput): void {
    if (Array.isArray(value)) {
      output.text(`*${value.length}\r\n`);
      for (const element of value) this.encode(element, output);
    } else if (typeof value === "string") {
      const bytes = encoder.encode(value);
      output.text(`$${bytes.length}\r\n`);
      output.bytes(bytes);
      output.text("\r\n");
    } else if (value === null) output.text("$-1\r\n");
    else if (typeof value === "number") output.text(`:${value}\r\n`);
    else output.text(`-${value.message.replace(/[\r\n]+/g, " ")}\r\n`);
  }

  /** Takes a value that is not an array, or the length of an array. */
  #item(input: CodecInput): { value: Value } | { length: number } | undefined {
    const end = input.indexOf(CR);
    if (end > MAX_LINE_BYTES || end < 0 && input.length > MAX_LINE_BYTES) {
      throw input.malformed(NOT_RESP);
    }
    if (end < 0 || input.length < end + 2) return undefined;
    if (input.at(end + 1) !== LF) throw input.malformed(NOT_RESP);
    const line = decoder.decode(input.subarray(0, end));
    const text = line.slice(1);
    switch (line.charAt(0)) {
      case "+":
        input.consume(end + 2);
        return { value: text };
      case "-":
        input.consume(end + 2);
        return { value: new RedisError(text) };
      case ":": {
        const value = this.#integer(text, input);
        input.consume(end + 2);
        return { value };
      }
      case "$":
        return this.#string(this.#integer(text, input), end + 2, input);
      case "*": {
        const length = this.#integer(text, input);
        if (this.#array || length < 0) throw input.malformed(NOT_RESP);
        input.consume(end + 2);
        return { length };
      }
      default:
        throw input.malformed(NOT_RESP);
    }
  }

  /** Takes a string of so many bytes, which begins behind its length. */
  #string(
    length: number,
    start: number,
    input: CodecInput,
  ): { value: string | null } | undefined {
    if (length < 0) {
      input.consume(start);
      return { value: null };
    }
    const size = start + length + 2;
    this.#checkSize(input.offset + size);
    if (!input.expect(size)) return undefined; // makes room for all of it
    const value = decoder.decode(input.subarray(start, start + length));
    input.consume(size);
    return { value };
  }

  #checkSize(end: number): void {
    if (end - this.#start <= this.#limit) return;
    throw new MessageTooLargeError(this.#limit, this.#start);
  }

  #integer(text: string, input: CodecInput): number {
    if (!/^-?\d{1,15}$/.test(text)) throw input.malformed(NOT_RESP);
    return Number(text);
  }
}
