import { assert, assertEquals } from "@std/assert";
import {
  type Codec,
  contentLength,
  delimited,
  json,
  jsonLines,
  jsonValues,
  lengthPrefixed,
  lines,
  netstrings,
  ReadBuffer,
  text,
} from "../../protocol/mod.ts";
import {
  countDecoding,
  CountingBuffer,
} from "../support/protocol/counting_buffer.ts";
import { bytes, encodeAll } from "../../testing/_codec_checks/decoding.ts";

/** The number of visited bytes for each byte of a stream of messages. */
function costOf<In, Out>(
  codec: Codec<In, Out>,
  stream: Uint8Array,
  chunkSize: number,
  expected: number,
): number {
  const input = new CountingBuffer();
  let messages = 0;
  for (let at = 0; at < stream.length; at += chunkSize) {
    input.append(stream.subarray(at, at + chunkSize));
    while (codec.decode(input) !== undefined) messages++;
  }
  assertEquals([messages, input.length], [expected, 0]);
  return input.count / stream.length;
}

const SIZE = 1 << 17;
const options = { maxMessageBytes: Infinity };
const many = <T>(message: T, size: number): T[] =>
  Array(Math.floor(size / 16)).fill(message);

interface Work {
  create(): Codec<unknown>;
  stream(size: number): Uint8Array;
  messages(size: number): number;
}

/** One message of a size, and many small ones, encoded by the codec itself. */
function encoded<T>(create: () => Codec<T>, message: (size: number) => T) {
  return {
    "one large message": {
      create: create as () => Codec<unknown>,
      stream: (size: number) => encodeAll(create(), [message(size)]),
      messages: () => 1,
    },
    "many small messages": {
      create: create as () => Codec<unknown>,
      stream: (size: number) => encodeAll(create(), many(message(10), size)),
      messages: (size: number) => size / 16,
    },
  };
}

function repeated(
  create: () => Codec<unknown>,
  unit: string,
  messages: number,
) {
  return {
    create,
    stream: (size: number) => bytes(unit.repeat(size / 16)),
    messages: (size: number) => messages * size / 16,
  };
}

const ascii = (size: number) => "x".repeat(size);
const unicode = (size: number) => "é".repeat(size / 2);
const frame = (size: number) => new Uint8Array(size);
const values = () => jsonValues(options);

const works: Record<string, Record<string, Work>> = {
  "lines()": encoded(() => lines(options), ascii),
  "lines() beyond ASCII": encoded(() => lines(options), unicode),
  "jsonLines()": encoded(() => jsonLines(options), ascii),
  "jsonValues() of strings": encoded(values, ascii),
  "jsonValues() of objects": encoded(values, (size) => ({ a: ascii(size) })),
  "jsonValues() beyond ASCII": encoded(values, (size) => [unicode(size)]),
  "jsonValues()": {
    "texts with nothing between them": repeated(values, "{}[1]", 2),
    "several texts on each line": repeated(values, "{} {}\n{}\n", 3),
    "all texts on one line": {
      ...repeated(values, "{} ", 1),
      stream: (size) => bytes("{} ".repeat(size / 16 - 1) + "{}\n"),
    },
    "pretty-printed texts": repeated(values, '{\n  "a": [\n  ]\n}\n', 1),
    "texts beyond ASCII on each line": repeated(values, '["é"] ["é"]\n', 2),
    "escapes": repeated(values, '"\\\\\\""\n', 1),
    "blanks": repeated(values, "    \n", 0),
  },
  "jsonLines() with blank lines": {
    "many": repeated(() => jsonLines(options), "\n\r\n1\n", 1),
  },
  "lines() that end in CR LF": encoded(
    () => lines({ ...options, newline: "\r\n" }),
    ascii,
  ),
  "lines() that are not UTF-8": {
    "lenient": {
      create: () => lines({ ...options, lenientUTF8: true }),
      stream: (size) => new Uint8Array(size).fill(0xff).fill(10, size - 1),
      messages: () => 1,
    },
  },
  "lines() that skip bad messages": {
    "one large message over the limit": {
      create: () => lines({ maxMessageBytes: 10, badMessages: "skip" }),
      stream: (size) => bytes("x".repeat(size - 3) + "\n1\n"),
      messages: () => 1,
    },
    "many messages over the limit": repeated(
      () =>
        lines({
          maxMessageBytes: 3,
          badMessages: "skip",
          maxBadMessages: Infinity,
        }),
      "1\nxxxxxxxxxxxxx\n",
      1,
    ),
  },
  "delimited() that skips bad messages": {
    "a delimiter that begins again and again": {
      create: () =>
        delimited("aaab", { maxMessageBytes: 10, badMessages: "skip" }),
      stream: (size) => bytes("a".repeat(size - 5) + "b1aaab"),
      messages: () => 1,
    },
  },
  "lengthPrefixed() with a varint": encoded(
    () => lengthPrefixed({ ...options, lengthFieldLength: "varint" }),
    frame,
  ),
  "delimited()": encoded(
    () => delimited("xy", options),
    (size) => bytes(ascii(size)),
  ),
  "text(delimited())": encoded(() => text(delimited(0, options)), unicode),
  "lengthPrefixed()": encoded(() => lengthPrefixed(options), frame),
  "contentLength()": encoded(() => contentLength(options), frame),
  "json(contentLength())": encoded(() => json(contentLength(options)), ascii),
  "netstrings()": encoded(() => netstrings(options), frame),
};

for (const [name, cases] of Object.entries(works)) {
  for (const [title, { create, stream, messages }] of Object.entries(cases)) {
    Deno.test(`${name} visits each byte less than 20 times: ${title}, in chunks of any size`, () => {
      using _counting = countDecoding();
      for (const chunkSize of [1, 13, 1000, Infinity]) {
        const cost = costOf(create(), stream(SIZE), chunkSize, messages(SIZE));
        assert(cost < 20, `${cost} looks at each byte`);
      }
    });
  }
}

Deno.test("jsonValues() checks once whether a line is one text", () => {
  using _counting = countDecoding();
  const { parse } = JSON;
  let calls = 0;
  JSON.parse = (...args) => {
    calls++;
    return parse(...args);
  };
  try {
    const line = bytes("{} ".repeat(999) + "{}\n");
    costOf(jsonValues(), line, Infinity, 1000);
    assertEquals(calls, 1001);
  } finally {
    JSON.parse = parse;
  }
});

Deno.test("an announced large message takes no memory before it arrives", () => {
  const announced: [Codec<unknown>, string | number[]][] = [
    [lengthPrefixed({ maxMessageBytes: 2 ** 40 }), [0xff, 0xff, 0xff, 0xff, 1]],
    [netstrings({ maxMessageBytes: 2 ** 40 }), "4294967295:x"],
    [contentLength(options), "Content-Length: 4294967295\r\n\r\nx"],
  ];
  for (const [codec, start] of announced) {
    const input = new ReadBuffer();
    input.append(bytes(start));
    assertEquals(codec.decode(input), undefined);
    assertEquals(input.space().buffer.byteLength, 1024);
  }
});
