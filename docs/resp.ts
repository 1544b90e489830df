import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  type DecodeError,
  type Decoding,
  sequential,
} from "@parley/parley";

/** A value of RESP. A request is an array of strings. */
export type Value = string | number | null | RedisError | Value[];

/** An error that the server replies with, such as `ERR unknown command`. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

/** Makes the codec of one session. */
export function resp(options: CodecOptions = {}): Codec<Value> {
  const { maxMessageBytes = 1024 * 1024 } = options;
  return sequential<Value>({ decode, encode }, { maxMessageBytes });
}

const CR = 0x0d;
const LF = 0x0a;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

function* decode(input: CodecInput): Decoding<Value> {
  const line = yield* decodeLine(input);
  if (!line.startsWith("*")) return yield* decodeElement(line, input);
  const elements: Value[] = [];
  const length = integerIn(line, input);
  if (length < 0) return null;
  while (elements.length < length) {
    const line = yield* decodeLine(input);
    elements.push(yield* decodeElement(line, input));
  }
  return elements;
}

/** Decodes a value that is not an array and begins with this line. */
function* decodeElement(line: string, input: CodecInput): Decoding<Value> {
  switch (line.charAt(0)) {
    case "+":
      return line.slice(1);
    case "-":
      return new RedisError(line.slice(1));
    case ":":
      return integerIn(line, input);
    case "$": {
      const length = integerIn(line, input);
      if (length < 0) return null;
      yield length + 2; // it goes on when so many bytes have arrived
      const text = decoder.decode(input.subarray(0, length));
      input.consume(length + 2);
      return text;
    }
    default:
      throw malformed(input);
  }
}

function* decodeLine(input: CodecInput): Decoding<string> {
  let end = input.indexOf(CR);
  while (end < 0) {
    const { length } = input;
    yield length + 1; // any more bytes
    end = input.indexOf(CR, length);
  }
  yield end + 2;
  if (input.at(end + 1) !== LF) throw malformed(input);
  const line = decoder.decode(input.subarray(0, end));
  input.consume(end + 2);
  return line;
}

function integerIn(line: string, input: CodecInput): number {
  if (!/^.-?\d{1,15}$/.test(line)) throw malformed(input);
  return Number(line.slice(1));
}

function malformed(input: CodecInput): DecodeError {
  return input.malformed("Message is not RESP");
}

function encode(value: Value, output: CodecOutput): void {
  if (Array.isArray(value)) {
    output.text(`*${value.length}\r\n`);
    for (const element of value) encode(element, output);
  } else if (typeof value === "string") {
    const bytes = encoder.encode(value);
    output.text(`$${bytes.length}\r\n`);
    output.bytes(bytes);
    output.text("\r\n");
  } else if (value === null) output.text("$-1\r\n");
  else if (typeof value === "number") output.text(`:${value}\r\n`);
  else output.text(`-${value.message.replace(/[\r\n]+/g, " ")}\r\n`);
}
