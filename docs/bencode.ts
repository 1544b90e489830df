import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  type Decoding,
  sequential,
} from "@parley/parley/codecs";

export type Value = number | string | Value[];

const LIST = "l".charCodeAt(0);
const INTEGER = "i".charCodeAt(0);
const END = "e".charCodeAt(0);
const COLON = ":".charCodeAt(0);
/** The most bytes of a number: more than these are never scanned again. */
const MAX_NUMBER = 20;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function bencode(options: CodecOptions = {}): Codec<Value> {
  return sequential<Value>({ decode, encode }, options);
}

function* decode(input: CodecInput): Decoding<Value> {
  const open: Value[][] = [];
  for (;;) {
    yield 1;
    let value: Value | undefined;
    const byte = input.at(0);
    if (byte === LIST) {
      input.consume(1);
      open.push([]);
      continue;
    }
    if (byte === END) {
      value = open.pop();
      if (value === undefined) throw input.malformed("Message is not bencode");
      input.consume(1);
    } else if (byte === INTEGER) {
      value = Number((yield* until(END, input)).slice(1));
    } else value = yield* string(input);
    const list = open.at(-1);
    if (!list) return value;
    list.push(value);
  }
}

function* string(input: CodecInput): Decoding<string> {
  const size = Number(yield* until(COLON, input));
  yield size;
  return decoder.decode(input.take(size));
}

/** Takes a number and the byte that ends it. */
function* until(end: number, input: CodecInput): Decoding<string> {
  for (let size = 1; size <= MAX_NUMBER; size++) {
    yield size;
    if (input.at(size - 1) !== end) continue;
    const text = decoder.decode(input.subarray(0, size - 1));
    if (!/^i-?\d+$|^\d+$/.test(text)) break;
    input.consume(size);
    return text;
  }
  throw input.malformed("Message is not bencode");
}

function encode(value: Value, output: CodecOutput): void {
  if (Array.isArray(value)) {
    output.text("l");
    for (const item of value) encode(item, output);
    output.text("e");
  } else if (typeof value === "string") {
    output.text(`${encoder.encode(value).length}:${value}`);
  } else {
    output.text(`i${value}e`);
  }
}
