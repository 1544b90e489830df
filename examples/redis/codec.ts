import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  type DecodeError,
  type Decoding,
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
  return sequential<Message, Command>({
    *decode(input) {
      const message = yield* takeItem(input, binary(), 0);
      if (message === END) throw malformed(input);
      return message;
    },
    encode,
  }, { maxMessageBytes });
}

const CR = 0x0d;
const CR_LF = 0x0d0a;
const MAX_DEPTH = 128;
/** Stands for the end of an aggregate that is streamed. */
const END = Symbol("end");
/** The lines that values begin with: text, numbers, constants and lengths. */
const LINE = new RegExp(
  [
    String.raw`^[-+].*$`,
    String.raw`^[:(][-+]?\d+$`,
    String.raw`^,([-+]?(\d+(\.\d+)?(e[-+]?\d+)?|inf)|nan)$`,
    String.raw`^(#[tf]|_|\.)$`,
    String.raw`^([$*]-1|[!=|]\d{1,15}|[$*~>%](\d{1,15}|\?))$`,
  ].join("|"),
  "is",
);
/** The line of a part of a streamed string. */
const PART = /^;\d{1,15}$/;
const ASCII = /^[\0-\x7f]*$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Takes a value, or the end of an aggregate that is streamed. */
function* takeItem(
  input: CodecInput,
  asBytes: boolean,
  depth: number,
): Decoding<Message | typeof END> {
  const line = yield* takeLine(input, LINE);
  const type = line.charAt(0);
  const rest = line.slice(1);
  switch (type) {
    case "+":
      return rest;
    case "-":
      return new RedisError(rest);
    case ":":
    case "(":
      return Number.isSafeInteger(Number(rest)) ? Number(rest) : BigInt(rest);
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
  const length = rest === "?" ? Infinity : Number(rest);
  if ("$!=".includes(type)) {
    return yield* takeString(input, type, length, asBytes);
  }
  if (depth === MAX_DEPTH) throw malformed(input);
  const isPaired = type === "%" || type === "|";
  const items: Value[] = [];
  while (items.length < length * (isPaired ? 2 : 1)) {
    // A push may come where a reply of bytes is awaited: it is text.
    const item = yield* takeItem(input, asBytes && type !== ">", depth + 1);
    const mayEnd = length === Infinity && !(isPaired && items.length % 2);
    if (item === END && mayEnd) break;
    if (item === END || item instanceof Push) throw malformed(input);
    items.push(item);
  }
  // An attribute is not a value: it describes the next one.
  if (type === "|") return yield* takeItem(input, asBytes, depth + 1);
  return valueOf(type, items);
}

/** Takes a string, whose length is infinite if it is streamed. */
function* takeString(
  input: CodecInput,
  type: string,
  length: number,
  asBytes: boolean,
): Decoding<Value> {
  if (length === Infinity) {
    const bytes = concat(yield* takeParts(input));
    return asBytes ? bytes : decoder.decode(bytes);
  }
  yield* waitForString(input, length);
  if (asBytes && type === "$") return input.take(length + 2, 0, length);
  const text = decoder.decode(input.subarray(0, length));
  input.consume(length + 2);
  if (type === "!") return new RedisError(text);
  return type === "=" ? text.slice(4) : text; // a format first, such as "txt:"
}

/** Takes the parts of a string that is streamed; an empty one is its end. */
function* takeParts(input: CodecInput): Decoding<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const length = Number((yield* takeLine(input, PART)).slice(1));
    if (length === 0) return parts;
    yield* waitForString(input, length);
    parts.push(input.take(length + 2, 0, length));
  }
}

function* waitForString(input: CodecInput, length: number): Decoding<void> {
  yield length + 2;
  if (input.uint(length, 2) !== CR_LF) throw malformed(input);
}

/** Takes a line, which must match, without its end. */
function* takeLine(input: CodecInput, pattern: RegExp): Decoding<string> {
  let end = input.indexOf(CR);
  while (end < 0) {
    const { length } = input;
    yield length + 1;
    end = input.indexOf(CR, length);
  }
  yield end + 2;
  const line = decoder.decode(input.subarray(0, end));
  const isLine = input.uint(end, 2) === CR_LF && pattern.test(line);
  if (!isLine) throw malformed(input);
  input.consume(end + 2);
  return line;
}

function malformed(input: CodecInput): DecodeError {
  return input.malformed("Message is not RESP3");
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
