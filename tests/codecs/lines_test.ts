import { assertEquals, assertThrows } from "@std/assert";
import { TextLineStream } from "@std/streams";
import fc from "fast-check";
import {
  DecodeError,
  lines,
  MessageTooLargeError,
  ReadBuffer,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  cutAt,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

testCodec("lines()", (options) => lines({ maxMessageBytes: 6, ...options }), {
  "nothing": { input: "", messages: [] },
  "one line": { input: "one\n", messages: ["one"] },
  "lines of either end": { input: "a\r\nb\nc\r\n", messages: ["a", "b", "c"] },
  "empty lines": { input: "\n\r\n\n", messages: ["", "", ""] },
  "a carriage return within a line": {
    input: "a\rb\r\r\n",
    messages: ["a\rb\r"],
  },
  "text beyond ASCII": {
    input: "a\né𝄞\r\nz\n",
    messages: ["a", "é𝄞", "z"],
  },
  "a byte order mark and NUL as text": {
    input: "\ufeffa\n\0\n",
    messages: ["\ufeffa", "\0"],
  },
  "lines of exactly the limit": {
    input: "123456\r\n123456\n",
    messages: ["123456", "123456"],
  },
  "up to a line over the limit": {
    input: "one\n1234567\n",
    messages: ["one"],
    error: { class: MessageTooLargeError, has: { limit: 6, offset: 4 } },
  },
  "up to a line over the limit that has no end": {
    input: "one\n1234567",
    messages: ["one"],
    error: { class: MessageTooLargeError, has: { limit: 6, offset: 4 } },
  },
  "up to a line over the limit beyond ASCII": {
    input: "é\nééé1\n",
    messages: ["é"],
    error: { class: MessageTooLargeError, has: { limit: 6, offset: 3 } },
  },
  "up to a carriage return over the limit that ends nothing": {
    input: "123456\r7\n",
    messages: [],
    error: { class: MessageTooLargeError, has: { limit: 6, offset: 0 } },
  },
  "up to a line without an end": {
    input: "one\ntwo",
    messages: ["one"],
    error: { class: TruncatedMessageError, has: { offset: 4, length: 3 } },
  },
}, {
  messages: fc.string({ unit: "binary" })
    .filter((text) => !/\n|\r$/.test(text)),
  sized: (bytes) => "x".repeat(bytes),
});

for (
  const [name, bad] of Object.entries({
    "a byte that never occurs in UTF-8": [0xff],
    "an overlong encoding": [0xc0, 0xaf],
    "an encoded surrogate": [0xed, 0xa0, 0x80],
    "a code point past the last": [0xf4, 0x90, 0x80, 0x80],
    "a character cut short": [0xe2, 0x82],
  })
) {
  testCodec("lines()", lines, {
    [`up to ${name}`]: {
      input: bytes([0x61, 0x0a, ...bad, 0x0a, 0x62, 0x0a]),
      messages: ["a"],
      error: { class: DecodeError, has: { offset: 2 }, cause: TypeError },
    },
  });
}

testCodec(
  'lines({ newline: "\\r\\n" })',
  (options) => lines({ newline: "\r\n", maxMessageBytes: 6, ...options }),
  {
    "lines": { input: "a\r\n\r\né𝄞\r\n", messages: ["a", "", "é𝄞"] },
    "lines of exactly the limit": {
      input: "123456\r\n123456\r\n",
      messages: ["123456", "123456"],
    },
    "up to an LF within a line, before its end has come": {
      input: "ok\r\n250 a\n",
      messages: ["ok"],
      error: { class: DecodeError, has: { offset: 4 } },
    },
    "up to an LF at the start of a line": {
      input: "a\r\n\nb\r\n",
      messages: ["a"],
      error: { class: DecodeError, has: { offset: 3 } },
    },
    "up to a CR within a line": {
      input: "é\r\na\rb\r\n",
      messages: ["é"],
      error: { class: DecodeError, has: { offset: 4 } },
    },
    "up to a CR before the end of a line": {
      input: "a\r\r\n",
      messages: [],
      error: { class: DecodeError, has: { offset: 0 } },
    },
    "up to a line over the limit": {
      input: "a\r\n1234567\r\n",
      messages: ["a"],
      error: { class: MessageTooLargeError, has: { limit: 6, offset: 3 } },
    },
    "up to a line whose end is cut in half": {
      input: "one\r\ntwo\r",
      messages: ["one"],
      error: { class: TruncatedMessageError, has: { offset: 5, length: 4 } },
    },
  },
  {
    messages: fc.string({ unit: "binary" })
      .filter((text) => !/[\r\n]/.test(text)),
    sized: (bytes) => "x".repeat(bytes),
  },
);

Deno.test("lines() with newline CR LF writes CR LF, and refuses a CR or an LF in a line", () => {
  const codec = lines({ newline: "\r\n" });
  assertEquals(encodeAll(codec, ["a", ""]), bytes("a\r\n\r\n"));
  for (const message of ["RCPT\nDATA", "RCPT\rDATA", "\r", "\n", "a\r\nb"]) {
    assertThrows(
      () => encodeAll(codec, [message]),
      TypeError,
      /\n/.test(message) ? "has a newline" : "has a carriage return",
    );
  }
});

testCodec(
  "lines({ allowUnterminated })",
  (options) =>
    lines({ allowUnterminated: true, maxMessageBytes: 6, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "a last line without an end": {
      input: "one\ntwo",
      messages: ["one", "two"],
    },
    "a last line with an end": {
      input: "one\ntwo\n",
      messages: ["one", "two"],
    },
    "a last line with half an end": {
      input: "one\r\ntwo\r",
      messages: ["one", "two"],
    },
    "a last line of the limit": { input: "123456\r", messages: ["123456"] },
    "up to a last line that is not UTF-8": {
      input: bytes([0x61, 0x0a, 0xff]),
      messages: ["a"],
      error: { class: DecodeError, has: { offset: 2 } },
    },
    "up to a last line over the limit": {
      input: "123456\r\r",
      messages: [],
      error: { class: MessageTooLargeError, has: { offset: 0 } },
    },
  },
);

testCodec(
  'lines({ allowUnterminated, newline: "\\r\\n" })',
  (options) => lines({ allowUnterminated: true, newline: "\r\n", ...options }),
  {
    "a last line without an end": {
      input: "one\r\ntwo",
      messages: ["one", "two"],
    },
    "up to a last line with a CR in it": {
      input: "one\r\nt\rwo",
      messages: ["one"],
      error: { class: DecodeError, has: { offset: 5 } },
    },
  },
);

testCodec(
  "lines({ lenientUTF8 })",
  (options) => lines({ lenientUTF8: true, ...options }),
  {
    "bytes that are not UTF-8 among lines": {
      input: bytes([
        0x61,
        0xff,
        0x0a,
        0xe2,
        0x82,
        0x0d,
        0x0a,
        0xc3,
        0xa9,
        0x0a,
      ]),
      messages: ["a\ufffd", "\ufffd", "é"],
    },
    "bytes that are not UTF-8 alone": {
      input: bytes([0xff, 0x0a, 0xfe, 0x0a]),
      messages: ["\ufffd", "\ufffd"],
    },
  },
);

Deno.test("lines({ lenientUTF8 }) decodes as a TextDecoder that is not fatal", () => {
  const part = fc.oneof(
    fc.constantFrom([0x0a], [0xff], [0xc3, 0xa9], [0xe2, 0x82], [0xf0, 0x9f]),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => [...bytes]),
  );
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(part), fc.array(fraction), (parts, fractions) => {
      const input = bytes([...parts.flat(), 0x0a]);
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);
      const codec = lines({ lenientUTF8: true });
      const { messages } = decodeChunks(codec, cutAt(input, fractions));
      assertEquals(messages, text.split(/\r?\n/).slice(0, -1));
    }),
  );
});

Deno.test("lines() decodes the same as std's TextLineStream", async () => {
  const text = fc.array(fc.constantFrom("a", "é", "𝄞", "\r", "\n", "\r\n"))
    .map((parts) => parts.join("") + "\n");
  await fc.assert(fc.asyncProperty(text, async (text) => {
    const expected = await Array.fromAsync(
      ReadableStream.from([text]).pipeThrough(new TextLineStream()),
    );
    const { messages } = decodeChunks(lines(), [bytes(text)]);
    assertEquals(messages, expected);
  }));
});

Deno.test("lines() leaves the bytes behind a line to another codec", () => {
  const input = new ReadBuffer();
  input.append(bytes("one\ntwo\nthree\n"));
  assertEquals(lines().decode(input), "one");
  assertEquals([input.offset, input.length], [4, 10]);
  const codec = lines();
  assertEquals(codec.decode(input), "two");
  assertEquals(input.subarray(), bytes("three\n"));
  input.consume(2);
  assertEquals(codec.decode(input), "ree");
});

Deno.test("lines() serves one buffer after another", () => {
  const codec = lines();
  const decode = (text: string) => decodeChunks(codec, [bytes(text)]).messages;
  assertEquals(decode("one\ntwo\n"), ["one", "two"]);
  assertEquals(decode("é\n4\n"), ["é", "4"]);
  assertEquals(decode("5\n"), ["5"]);
});

Deno.test("lines() encodes with LF and refuses a message that would not come back", () => {
  assertEquals(encodeAll(lines(), ["a", ""]), bytes("a\n\n"));
  const refuse = (message: string, why: string) =>
    assertThrows(() => encodeAll(lines(), [message]), TypeError, why);
  refuse("a\nb", "message has a newline in it");
  refuse("a\r", "message ends in a carriage return");
  refuse("\ud800", "message has a lone surrogate");
});

Deno.test("lines() names the option and the value that it refuses", () => {
  for (const maxMessageBytes of [0, -1, 1.5, NaN, 2 ** 53]) {
    assertThrows(
      () => lines({ maxMessageBytes }),
      RangeError,
      `maxMessageBytes is ${maxMessageBytes}, expected an integer of at least 1`,
    );
  }
  assertThrows(
    () => lines({ newline: "\r" as "\n" }),
    TypeError,
    'newline is "\\r", expected "\\n" or "\\r\\n"',
  );
  const maxMessageBytes = "9" as unknown as number;
  assertThrows(
    () => lines({ maxMessageBytes }),
    TypeError,
    'maxMessageBytes is "9", expected a number',
  );
});
