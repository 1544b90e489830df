import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { msgpack } from "../../msgpack/mod.ts";
import {
  type Codec,
  type CodecOptions,
  contentLength,
  DecodeError,
  delimited,
  json,
  jsonLines,
  jsonValues,
  lengthPrefixed,
  lines,
  netstrings,
  ProtocolError,
  ReadBuffer,
  text,
} from "../../protocol/mod.ts";
import {
  cutAt,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";
import { bytesOf, fuzz } from "./fuzz.ts";

const LIMIT = 24;
/** A frame has at most so many bytes beside its message: a header. */
const FRAME_BYTES = 4 * 1024;
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }));

/**
 * However its input is cut, a codec gives the same messages and the same error,
 * which is a `ProtocolError`. It leaves no more bytes in the buffer than its limit
 * allows, and messages come back as they were encoded.
 */
function fuzzCodec<T>(
  name: string,
  create: (options: CodecOptions) => Codec<T>,
  input: fc.Arbitrary<Uint8Array>,
  oracle?: (input: Uint8Array) => T[],
): void {
  const codec = () => create({ maxMessageBytes: LIMIT });
  fuzz(name, fc.tuple(input, fractions), ([bytes, fractions]) => {
    const whole = decodeChunks(codec(), [bytes]);
    if (whole.error) assertInstanceOf(whole.error, ProtocolError);
    for (const chunks of [cutAt(bytes, fractions), Array.from(bytes, byte)]) {
      const bounded = new BoundedBuffer();
      const cut = decodeChunks(codec(), chunks, bounded);
      assertEquals(cut.messages.map(said), whole.messages.map(said));
      assertEquals(said(cut.error), said(whole.error));
    }
    const large = { maxMessageBytes: Infinity };
    for (const message of whole.messages) {
      if (message instanceof ProtocolError) continue;
      const encoded = tryEncode(create(large), message);
      if (!encoded) continue;
      const { messages, error } = decodeChunks(create(large), [encoded]);
      assertEquals([messages.length, error], [1, undefined]);
      // JSON has no -0 and no Infinity: its bytes come back, its values nearly.
      assertEquals(encodeAll(create(large), messages), encoded);
    }
    if (!oracle) return;
    const { messages } = decodeChunks(create(large), [bytes]);
    assertEquals(messages, oracle(bytes));
  });
}

class BoundedBuffer extends ReadBuffer {
  override append(chunk: Uint8Array): void {
    // No message has been found in the bytes that are left of the last chunk.
    assert(this.length <= LIMIT + FRAME_BYTES, `${this.length} bytes are kept`);
    super.append(chunk);
  }
}

const byte = (value: number) => Uint8Array.of(value);

/** The part of an error that does not depend on how much had arrived. */
function said(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  const { name, message } = error;
  return error instanceof DecodeError
    ? { name, message: message.slice(0, message.indexOf(error.excerpt)) }
    : { name, message };
}

function tryEncode<T>(codec: Codec<T>, message: T): Uint8Array | undefined {
  try {
    return encodeAll(codec, [message]);
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError);
    return undefined;
  }
}

const texts = bytesOf(
  ...["\n", "\r\n", "\r", "one", "é", "𝄞", "\0", "\ufeff", "x".repeat(12)],
  ...[[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf0]],
);
const jsonTexts = bytesOf(
  ...'[ ] { } , : " \\ \n \r\n 1 -0 1e5 .5 true false null'.split(" "),
  ...[" ", "\t", '"a"', '{"a":1}', "[1,2]", "12345678901234567890", "\\u12"],
  ...["{\n", "}\n", "\0", "\ufeff", "é", '"', '"', "[", "]", '"]"', '"\\""'],
  ...[[0xff], [0xc0, 0xaf], [0x80]],
);
const frames = bytesOf(
  ...["\r\n", "\r", "\n", "Content-Length: ", "content-length:", "X: y"],
  ...["\r\n\r\n", "0", "3", "24", "25", "-1", ":", ",", "one", "3:one,"],
  ...["Content-Length: 3\r\n\r\none", "9223372036854775808", "aab", "aa"],
  ...[[0], [0, 0, 0, 3], [0, 0, 0, 24], [0xff, 0xff, 0xff, 0xff], [3]],
);

/** The lines that are complete, up to the first that is not UTF-8. */
function linesOf(bytes: Uint8Array): string[] {
  const found: string[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let start = 0;;) {
    const end = bytes.indexOf(10, start);
    if (end < 0) return found;
    const stop = end > start && bytes[end - 1] === 13 ? end - 1 : end;
    try {
      found.push(decoder.decode(bytes.subarray(start, stop)));
    } catch {
      return found;
    }
    start = end + 1;
  }
}

function jsonLinesOf(bytes: Uint8Array): unknown[] {
  const found: unknown[] = [];
  for (const line of linesOf(bytes)) {
    if (/^[ \t]*$/.test(line)) continue;
    try {
      found.push(JSON.parse(line));
    } catch {
      return found;
    }
  }
  return found;
}

/**
 * The texts at the front: each is the shortest that parses, or a run of letters
 * and digits, in which a number may not be at the very end.
 */
function jsonValuesOf(bytes: Uint8Array): unknown[] {
  const found: unknown[] = [];
  const text = String.fromCharCode(...bytes);
  for (let start = 0;;) {
    while (/^[ \t\r\n]/.test(text.slice(start))) start++;
    const [scalar] = /^[\da-z+.E-]+/.exec(text.slice(start)) ?? [];
    const ends = scalar
      ? [start + scalar.length]
      : Array.from(text, (_, i) => i + 1).filter((end) => end > start);
    const end = ends.find((end) => parses(bytes.subarray(start, end)));
    if (end === undefined) return found;
    if (end === text.length && /\d$/.test(scalar ?? "")) return found;
    found.push(JSON.parse(utf8(bytes.subarray(start, end))));
    start = end;
  }
}

function parses(bytes: Uint8Array): boolean {
  try {
    JSON.parse(utf8(bytes));
    return true;
  } catch {
    return false;
  }
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(bytes);
}

/** The frames with the delimiter behind them. */
function delimitedOf(bytes: Uint8Array): Uint8Array[] {
  const parts = String.fromCharCode(...bytes).split("aab").slice(0, -1);
  return parts.map((part) => Uint8Array.from(part, (c) => c.charCodeAt(0)));
}

fuzzCodec("lines()", lines, texts, linesOf);
fuzzCodec<unknown>("jsonLines()", jsonLines, jsonTexts, jsonLinesOf);
fuzzCodec<unknown>("jsonValues()", jsonValues, jsonTexts, jsonValuesOf);
fuzzCodec<unknown>(
  "jsonValues({ bigint })",
  (options) => jsonValues({ ...options, bigint: true }),
  jsonTexts,
);
fuzzCodec(
  "delimited()",
  (options) => delimited("aab", options),
  frames,
  delimitedOf,
);
fuzzCodec<unknown>(
  "jsonLines() that delivers bad messages",
  (options) =>
    jsonLines({ ...options, badMessages: "deliver", allowUnterminated: true }),
  jsonTexts,
);
fuzzCodec<unknown>(
  "lines() that end in CR LF, lenient",
  (options) =>
    lines({
      ...options,
      newline: "\r\n",
      lenientUTF8: true,
      badMessages: "skip",
    }),
  texts,
);
fuzzCodec<unknown>(
  "json(delimited()) that delivers bad messages",
  (options) =>
    json(
      delimited("aab", { ...options, badMessages: "deliver" }),
      { badMessages: "deliver" },
    ),
  bytesOf("aab", "aa", "a", "1", "[1,2]", "x".repeat(12), [0xff]),
);
fuzzCodec("contentLength()", contentLength, frames);
fuzzCodec("netstrings()", netstrings, frames);
fuzzCodec("lengthPrefixed()", lengthPrefixed, frames);
fuzzCodec(
  "text(delimited())",
  (options) => text(delimited(0, options)),
  texts,
);
fuzzCodec<unknown>(
  "json(delimited())",
  (options) => json(delimited("\n", options), { bigint: true }),
  jsonTexts,
);

fuzzCodec<unknown>(
  "msgpack()",
  msgpack,
  bytesOf(
    ...["a", "__proto__", "x".repeat(12), "é"],
    ...[[0x80], [0x81], [0x82], [0x90], [0x92], [0xa1], [0xa9], [0xac]],
    ...[[0xc0], [0xc1], [0xc2], [0xc4, 2], [0xc7, 1, 5], [0xca], [0xcb]],
    ...[[0xcc], [0xcf], [0xd1], [0xd3], [0xd4], [0xd6, 0xff], [0xd9, 1]],
    ...[[0xdc, 0, 2], [0xde, 0, 1], [0xdf, 0xff], [0x07], [0xff], [0x00]],
  ),
);

fuzz(
  "lengthPrefixed() of any options",
  fc.record({
    lengthFieldLength: fc.constantFrom(
      ...[1, 2, 3, 4, 5, 6, 7, 8, "varint"] as const,
    ),
    lengthFieldOffset: fc.integer({ min: 0, max: 3 }),
    lengthAdjustment: fc.integer({ min: -8, max: 8 }),
    endianness: fc.constantFrom("big", "little"),
    bytes: fc.uint8Array({ max: 9, maxLength: 60 }),
  }),
  ({ bytes, ...options }) => {
    const create = () => lengthPrefixed({ ...options, maxMessageBytes: LIMIT });
    const whole = decodeChunks(create(), [bytes]);
    if (whole.error) assertInstanceOf(whole.error, ProtocolError);
    const cut = decodeChunks(create(), Array.from(bytes, byte));
    assertEquals(cut.messages, whole.messages);
    assertEquals(said(cut.error), said(whole.error));
  },
);
