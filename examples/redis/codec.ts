import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  DecodeError,
  type Decoding,
  lines,
  sequential,
} from "@parley/parley";
import { concat } from "@std/bytes";
import { Push, RedisError } from "./value.ts";
import type { Command, Message, Value } from "./value.ts";

/** Options of {@linkcode resp}. */
export interface RespOptions extends CodecOptions {
  /**
   * Asked when a reply begins: whether its strings are bytes instead of text.
   *
   * @default {() => false}
   */
  binary?: (() => boolean) | undefined;
}

/** Makes the codec of one session: RESP3, of which RESP2 is a part. */
export function resp(options: RespOptions = {}): Codec<Message, Command> {
  const { binary = () => false, maxMessageBytes = 1024 * 1024 } = options;
  const limit = { maxMessageBytes };
  const line = lines({ newline: "\r\n", lenientUTF8: true, ...limit });
  return sequential<Message, Command>({
    *decode(input) {
      const item = yield* new Decoder(input, line, binary()).item();
      if (item === END) throw input.malformed(NOT_RESP3);
      return item;
    },
    encode,
  }, limit);
}

const NOT_RESP3 = "Message is not RESP3";
const CR = 0x0d;
const LF = 0x0a;
const MAX_DEPTH = 128;
/** Stands for the end of an aggregate that is streamed. */
const END = Symbol("end");
/** The lines that values begin with: text, numbers, constants and lengths. */
const LINE = new RegExp(
  [
    String.raw`^[-+]`,
    String.raw`^[:(][-+]?\d+$`,
    String.raw`^,([-+]?(\d+(\.\d+)?(e[-+]?\d+)?|inf)|nan)$`,
    String.raw`^(#[tf]|_|\.)$`,
    String.raw`^([$*]-1|[!=|]\d{1,15}|[$*~>%](\d{1,15}|\?))$`,
  ].join("|"),
  "i",
);
/** The line of a part of a streamed string. */
const PART = /^;\d{1,15}$/;
const ASCII = /^[\0-\x7f]*$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes one message. Where it need not wait, it calls no other generator. */
class Decoder {
  readonly #input: CodecInput;
  readonly #lines: Codec<string>;
  #asBytes: boolean;

  constructor(input: CodecInput, lines: Codec<string>, asBytes: boolean) {
    this.#input = input;
    this.#lines = lines;
    this.#asBytes = asBytes;
  }

  /** A value, or the end of an aggregate that is streamed. */
  *item(depth = 0): Decoding<Message | typeof END> {
    const line = this.#line(LINE) ?? (yield* this.#nextLine(LINE));
    const rest = line.slice(1);
    const length = rest === "?" ? Infinity : Number(rest);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new RedisError(rest);
      case ":":
      case "(":
        return Number.isSafeInteger(length) ? length : BigInt(rest);
      case ",":
        return Number(rest.replace(/inf/i, "Infinity"));
      case "#":
        return rest === "t";
      case "_":
        return null;
      case ".":
        return END;
    }
    if (rest === "-1") return null;
    const type = line.charAt(0);
    if ("$!=".includes(type)) {
      if (length === Infinity) return yield* this.#streamedString();
      if (this.#input.length < length + 2) yield length + 2;
      return this.#string(type, length);
    }
    if (depth === MAX_DEPTH) throw this.#input.malformed(NOT_RESP3);
    // A push may come where a reply of bytes is awaited: it is text.
    if (type === ">") this.#asBytes = false;
    const isPaired = type === "%" || type === "|";
    const items: Value[] = [];
    while (items.length < length * (isPaired ? 2 : 1)) {
      const item = yield* this.item(depth + 1);
      const mayEnd = length === Infinity && !(isPaired && items.length % 2);
      if (item === END && mayEnd) break;
      if (item === END || item instanceof Push) {
        throw this.#input.malformed(NOT_RESP3);
      }
      items.push(item);
    }
    // An attribute is not a value: it describes the next one.
    return type === "|" ? yield* this.item(depth + 1) : valueOf(type, items);
  }

  /** A string of parts, of which an empty one is the end. */
  *#streamedString(): Decoding<string | Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const line = this.#line(PART) ?? (yield* this.#nextLine(PART));
      const length = Number(line.slice(1));
      if (length === 0) break;
      yield length + 2;
      parts.push(this.#bytes(length).slice());
      this.#input.consume(length + 2);
    }
    const bytes = concat(parts);
    return this.#asBytes ? bytes : decoder.decode(bytes);
  }

  /** A string that has arrived. */
  #string(type: string, length: number): Value {
    const bytes = this.#bytes(length);
    if (type === "$" && this.#asBytes) {
      return this.#input.take(length + 2, 0, length);
    }
    const text = decoder.decode(bytes);
    this.#input.consume(length + 2);
    if (type === "!") return new RedisError(text);
    return type === "=" ? text.slice(4) : text; // behind a format, as "txt:"
  }

  /** The bytes of a string, which must end in CR LF. */
  #bytes(length: number): Uint8Array {
    const input = this.#input;
    const isWhole = input.at(length) === CR && input.at(length + 1) === LF;
    if (!isWhole) throw input.malformed(NOT_RESP3);
    return input.subarray(0, length);
  }

  *#nextLine(pattern: RegExp): Decoding<string> {
    let line: string | undefined;
    do {
      yield this.#input.length + 1;
      line = this.#line(pattern);
    } while (line === undefined);
    return line;
  }

  /** The line at the front, if it has arrived. */
  #line(pattern: RegExp): string | undefined {
    const { offset } = this.#input;
    const line = this.#lines.decode(this.#input);
    if (line === undefined || pattern.test(line)) return line;
    throw new DecodeError(NOT_RESP3, { offset, bytes: encoder.encode(line) });
  }
}

function valueOf(type: string, items: Value[]): Message {
  if (type === ">") return new Push(items);
  if (type === "~") return new Set(items);
  return type === "%" ? new Map(pairs(items)) : items;
}

function* pairs(items: Value[]): Generator<[Value, Value]> {
  for (let at = 0; at + 1 < items.length; at += 2) {
    yield [items[at] ?? null, items[at + 1] ?? null];
  }
}

function encode(command: Command, output: CodecOutput): void {
  if (command.length < 1) throw new TypeError("Cannot encode: empty command");
  let text = `*${command.length}\r\n`;
  for (const argument of command) {
    let value = argument instanceof Uint8Array ? argument : String(argument);
    if (typeof value === "string" && !ASCII.test(value)) {
      value = encoder.encode(value);
    }
    text += `$${value.length}\r\n`;
    if (typeof value === "string") text += value;
    else {
      output.text(text);
      output.bytes(value);
      text = "";
    }
    text += "\r\n";
  }
  output.text(text);
}
