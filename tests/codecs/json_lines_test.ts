import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  DecodeError,
  jsonLines,
  MessageTooLargeError,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

testCodec(
  "jsonLines()",
  (options) => jsonLines({ maxMessageBytes: 9, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "lines of either end": {
      input: '{"a":1}\n[2]\r\n"é"\n',
      messages: [{ a: 1 }, [2], "é"],
    },
    "blank lines": {
      input: "\n1\n\r\n \t\n2\n\n",
      messages: [1, 2],
    },
    "null, false, zero and the empty string": {
      input: 'null\nfalse\n0\n""\n',
      messages: [null, false, 0, ""],
    },
    "blanks around a text": { input: " 1 \n", messages: [1] },
    "texts of exactly the limit": {
      input: '"2345678"\r\n"é56789"\n"2345678"\n',
      messages: ["2345678", "é56789", "2345678"],
    },
    "up to a text over the limit": {
      input: '1\n"23456789"\n',
      messages: [1],
      error: { class: MessageTooLargeError, has: { limit: 9, offset: 2 } },
    },
    "up to two texts on a line": {
      input: "1\n{} {}\n",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
    "up to a text spread over lines": {
      input: "1\n{\n}\n",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
    "up to a byte order mark": {
      input: "1\n\ufeff2\n",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
    "up to a line that is not UTF-8": {
      input: bytes([0x31, 0x0a, 0x22, 0xff, 0x22, 0x0a, 0x32, 0x0a]),
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: TypeError },
    },
    "up to a line without an end": {
      input: "1\n2",
      messages: [1],
      error: { class: TruncatedMessageError, has: { offset: 2, length: 1 } },
    },
  },
  {
    messages: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    sized: (bytes) => ["x".repeat(bytes)],
  },
);

testCodec(
  "jsonLines({ allowUnterminated })",
  (options) => jsonLines({ allowUnterminated: true, ...options }),
  {
    "a last line without an end": { input: "1\n[2]", messages: [1, [2]] },
    "a last line of blanks": { input: "1\n \t", messages: [1] },
    "up to a last line that is not JSON": {
      input: "1\n[2",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
  },
);

testCodec(
  "jsonLines({ lenientUTF8 })",
  (options) => jsonLines({ lenientUTF8: true, ...options }),
  {
    "a string that is not UTF-8": {
      input: bytes([0x22, 0xff, 0x22, 0x0a, 0x31, 0x0a]),
      messages: ["\ufffd", 1],
    },
  },
);

Deno.test("jsonLines() treats __proto__ as a normal member", () => {
  for (const bigint of [false, true]) {
    const input = '{"__proto__":{"polluted":[1234567890123456789]}}\n';
    const { messages } = decodeChunks(jsonLines({ bigint }), [bytes(input)]);
    assertEquals(Object.keys(messages[0] ?? {}), ["__proto__"]);
    assert(!("polluted" in Object(messages[0])));
  }
});

Deno.test("jsonLines()'s error shows an excerpt of bytes that cannot be decoded", () => {
  const { error } = decodeChunks(jsonLines(), [bytes("1\nnonsense\n2\n")]);
  assert(error instanceof DecodeError);
  assertEquals(
    error.message,
    'Message is not JSON at offset 2: "nonsense\\n"',
  );
});

Deno.test("an excerpt escapes characters that would not be seen", () => {
  const { error } = decodeChunks(jsonLines(), [bytes("\ufeff\x7f1é\n")]);
  assert(error instanceof DecodeError);
  assertEquals(error.excerpt, '"\\u{feff}\\u{7f}1é\\n"');
});

Deno.test("jsonLines() decodes deep nesting, with and without a long integer in it", () => {
  const nested = (depth: number, inner: string) =>
    bytes("[".repeat(depth) + inner + "]".repeat(depth) + "\n");
  for (const inner of ["1", "1".repeat(16)]) {
    const codec = jsonLines({ bigint: true, maxMessageBytes: 2 ** 22 });
    const { messages, error } = decodeChunks(codec, [nested(1_000_000, inner)]);
    assertEquals([messages.length, error], [1, undefined]);
  }
});

Deno.test("jsonLines()'s error has the offset of an integer that is too long", () => {
  const codec = jsonLines({ bigint: true });
  const { messages, error } = decodeChunks(codec, [
    bytes(`1\n[${"9".repeat(5000)}]\n`),
  ]);
  assertEquals(messages, [1]);
  assert(error instanceof DecodeError);
  assertEquals(error.offset, 2);
  assert(error.cause instanceof RangeError);
});

Deno.test("jsonLines() refuses a message that has no JSON text", () => {
  const circular: unknown[] = [];
  circular.push(circular);
  for (const bigint of [false, true]) {
    for (const message of [undefined, () => 1, Symbol("s"), circular]) {
      assertThrows(
        () => encodeAll(jsonLines({ bigint }), [message]),
        TypeError,
      );
    }
  }
  assertThrows(() => encodeAll(jsonLines(), [{ a: 1n }]), TypeError, "BigInt");
});

Deno.test("bigint decodes only integers beyond 2^53 - 1 to BigInt", () => {
  const codec = jsonLines({ bigint: true });
  const decode = (text: string) =>
    decodeChunks(codec, [bytes(text + "\n")]).messages[0];
  for (
    const [text, value] of [
      ["9007199254740991", 9007199254740991],
      ["9007199254740992", 9007199254740992n],
      ["9007199254740993", 9007199254740993n],
      ["-9007199254740991", -9007199254740991],
      ["-9007199254740993", -9007199254740993n],
      ["18446744073709551615", 18446744073709551615n],
      ['{"a":[1,12345678901234567890]}', { a: [1, 12345678901234567890n] }],
      ['"12345678901234567890"', "12345678901234567890"],
      ["9007199254740993.0", 9007199254740992],
      ["9007199254740993e0", 9007199254740992],
      ["0.12345678901234567", 0.12345678901234567],
      ["1e400", Infinity],
    ] as const
  ) assertEquals(decode(text), value, text);
});

Deno.test("with bigint, integers of any size and place are decoded exactly", () => {
  const value = fc.array(
    fc.oneof(fc.bigInt(), fc.string(), fc.integer()),
  );
  fc.assert(fc.property(fc.string(), value, (key, values) => {
    const codec = jsonLines({ bigint: true });
    const encoded = encodeAll(codec, [{ [key]: values }]);
    const expected = values.map((value) =>
      typeof value === "bigint" && BigInt.asIntN(54, value) === value &&
        value !== -(2n ** 53n)
        ? Number(value)
        : value
    );
    assertEquals(decodeChunks(codec, [encoded]).messages, [{
      [key]: expected,
    }]);
  }));
});

Deno.test("without bigint, integers are decoded as by JSON.parse", () => {
  const { messages } = decodeChunks(jsonLines(), [
    bytes("9007199254740993\n"),
  ]);
  assertEquals(messages, [9007199254740992]);
});

Deno.test("bigint parses each text once, and without a reviver", () => {
  const { parse } = JSON;
  const calls: number[] = [];
  JSON.parse = (...args) => {
    calls.push(args.length);
    return parse(...args);
  };
  try {
    for (let digits = 1; digits < 20; digits++) {
      const text = `["x",${"9".repeat(digits)}]\n`;
      decodeChunks(jsonLines({ bigint: true }), [bytes(text)]);
    }
    assertEquals(calls, Array(19).fill(1));
  } finally {
    JSON.parse = parse;
  }
});
