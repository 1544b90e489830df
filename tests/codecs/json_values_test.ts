import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Codec,
  DecodeError,
  jsonValues,
  MessageTooLargeError,
  ReadBuffer,
  stringify,
  TruncatedMessageError,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  cutAt,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

testCodec(
  "jsonValues()",
  (options) => jsonValues({ maxMessageBytes: 16, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "blanks": { input: " \t\r\n\n ", messages: [] },
    "a text on a line": { input: '{"a":1}\r\n', messages: [{ a: 1 }] },
    "a text without a newline": { input: '{"a":1}', messages: [{ a: 1 }] },
    "a pretty-printed text": {
      input: '{\n  "a": [\n1]\n}\n',
      messages: [{ a: [1] }],
    },
    "texts with nothing between them": {
      input: '{}[]"a"1{"b":2}true[3]null"c""d"',
      messages: [{}, [], "a", 1, { b: 2 }, true, [3], null, "c", "d"],
    },
    "several texts on a line": {
      input: '{"a":1} {"b":2}\n[1] [2]\n{"c":3}\n',
      messages: [{ a: 1 }, { b: 2 }, [1], [2], { c: 3 }],
    },
    "brackets, quotes and escapes in strings": {
      input: '{"}":"\\"]"}["\\\\"]"\\\\\\"[" ',
      messages: [{ "}": '"]' }, ["\\"], '\\"['],
    },
    "numbers and literals, the last ended by the stream": {
      input: "1 -2.5e+3\n-0.1E-2\ttrue false\nnull",
      messages: [1, -2500, -0.001, true, false, null],
    },
    ...Object.fromEntries(
      ["12345", "-", "-0", "0.5", "1.", "1e", "1E+", "-2.5e-3"].map((
        number,
      ) => [`up to ${number}, cut by the end of the stream`, {
        input: `[1] ${number}`,
        messages: [[1]],
        error: {
          class: TruncatedMessageError,
          has: { offset: 4, length: number.length },
        },
      }]),
    ),
    "text beyond ASCII and NUL, escaped": {
      input: '"é𝄞""\\u0000"{"é":1}\n',
      messages: ["é𝄞", "\0", { "é": 1 }],
    },
    "texts of exactly the limit": {
      input: '["345678901234"]\n  ["345678901234"]  1234567890123456 ',
      messages: [["345678901234"], ["345678901234"], 1234567890123456],
    },
    "blanks over the limit": {
      input: " ".repeat(40) + "[1]" + "\n".repeat(40),
      messages: [[1]],
    },
    "up to a text over the limit": {
      input: '[1]\n["3456789012345"]\n',
      messages: [[1]],
      error: { class: MessageTooLargeError, has: { limit: 16, offset: 4 } },
    },
    "up to a text over the limit that has no end": {
      input: '[1]\n{"a":"78901234567',
      messages: [[1]],
      error: { class: MessageTooLargeError, has: { limit: 16, offset: 4 } },
    },
    "up to a number over the limit": {
      input: "1 12345678901234567",
      messages: [1],
      error: { class: MessageTooLargeError, has: { limit: 16, offset: 2 } },
    },
    "up to an object without an end": {
      input: '[1] {"a"',
      messages: [[1]],
      error: { class: TruncatedMessageError, has: { offset: 4, length: 4 } },
    },
    "up to a string without an end": {
      input: '"a" "b\\',
      messages: ["a"],
      error: { class: TruncatedMessageError, has: { offset: 4, length: 3 } },
    },
    "up to a literal cut short": {
      input: "true fals",
      messages: [true],
      error: { class: DecodeError, has: { offset: 5 }, cause: SyntaxError },
    },
    "up to brackets that do not match": {
      input: "{}\n{]\n",
      messages: [{}],
      error: { class: DecodeError, has: { offset: 3 }, cause: SyntaxError },
    },
    "up to a bracket that closes nothing": {
      input: "{}\n}\n",
      messages: [{}],
      error: { class: DecodeError, has: { offset: 3 }, cause: SyntaxError },
    },
    "up to a comma between texts": {
      input: "[1],[2]\n",
      messages: [[1]],
      error: { class: DecodeError, has: { offset: 3 }, cause: SyntaxError },
    },
    "up to a newline within a string": {
      input: '1 {"a":"\n',
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
    "up to a byte order mark": {
      input: "[1]\n\ufeff[2]\n",
      messages: [[1]],
      error: { class: DecodeError, has: { offset: 4 }, cause: SyntaxError },
    },
    "up to NUL": {
      input: "[1]\n\0",
      messages: [[1]],
      error: { class: DecodeError, has: { offset: 4 }, cause: SyntaxError },
    },
    "up to a string that is not UTF-8": {
      input: bytes([...bytes('{"a":1} ["'), 0xc0, 0xaf, ...bytes('"]\n')]),
      messages: [{ a: 1 }],
      error: { class: DecodeError, has: { offset: 8 }, cause: TypeError },
    },
  },
  {
    messages: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    sized: (bytes) => ["\n".repeat(bytes)],
  },
);

testCodec(
  "jsonValues({ allowUnterminated, lenientUTF8 })",
  (options) =>
    jsonValues({ allowUnterminated: true, lenientUTF8: true, ...options }),
  {
    "a number at the end of the stream": { input: "1 23", messages: [1, 23] },
    "a string that is not UTF-8": {
      input: bytes([0x5b, 0x22, 0xff, 0x22, 0x5d, 0x0a, 0x22, 0xff, 0x22]),
      messages: [["\ufffd"], "\ufffd"],
    },
    "up to an array without an end": {
      input: "1[2",
      messages: [1],
      error: { class: TruncatedMessageError, has: { offset: 1, length: 2 } },
    },
    "up to a number that is not complete": {
      input: "1 2.",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 } },
    },
  },
);

Deno.test("jsonValues() decodes any texts, in any layout and any chunks", () => {
  const layout = fc.record({
    value: fc.jsonValue(),
    indent: fc.constantFrom(undefined, 1, "\t"),
    blank: fc.constantFrom(" ", "\n", "\r\n", "\n\n", "", "\t"),
  });
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(layout), fc.array(fraction), (layouts, fractions) => {
      const texts = layouts.map(({ value, indent, blank }) => {
        const text = JSON.stringify(value, null, indent);
        return text + (/[\]}"]$/.test(text) ? blank : " ");
      });
      const input = bytes(texts.join(""));
      const decoded = decodeChunks(jsonValues(), cutAt(input, fractions));
      // JSON has no -0 that survives JSON.stringify.
      const messages = texts.map((text) => JSON.parse(text));
      assertEquals(decoded, { messages, error: undefined });
    }),
  );
});

Deno.test("jsonValues() writes a newline after each text", () => {
  const encoded = encodeAll(jsonValues(), [1, 2, { a: "\n" }]);
  assertEquals(encoded, bytes('1\n2\n{"a":"\\n"}\n'));
});

Deno.test("jsonValues() consumes only the text at the front", () => {
  const input = new ReadBuffer();
  input.append(bytes('{"a":1}\n{"b":2} rest'));
  const codec = jsonValues();
  assertEquals(codec.decode(input), { a: 1 });
  assertEquals(codec.decode(input), { b: 2 });
  assertEquals(input.subarray(), bytes(" rest"));
});

Deno.test("jsonValues() can be composed with another way of encoding", () => {
  const values = jsonValues({ bigint: true });
  const codec: Codec<unknown> = {
    decode: (input) => values.decode(input),
    encode: (message, output) => output.text(stringify(message)),
  };
  const output = new WriteBuffer();
  codec.encode({ size: 2n ** 64n }, output);
  const encoded = output.take();
  assertEquals(encoded, bytes('{"size":18446744073709551616}'));
  assertEquals(decodeChunks(codec, [encoded]).messages, [{ size: 2n ** 64n }]);
});

Deno.test("jsonValues() names the option and the value that it refuses", () => {
  assertThrows(
    () => jsonValues({ maxMessageBytes: 0 }),
    RangeError,
    "maxMessageBytes is 0, expected an integer of at least 1",
  );
  assertThrows(
    () => jsonValues({ bigint: 1 as unknown as boolean }),
    TypeError,
    "bigint is 1, expected a boolean",
  );
});
