import { assertEquals, assertThrows } from "@std/assert";
import { DelimiterStream } from "@std/streams";
import fc from "fast-check";
import {
  DecodeError,
  delimited,
  json,
  MessageTooLargeError,
  ReadBuffer,
  text,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  cutAt,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

const frames = (...texts: string[]) => texts.map(bytes);

testCodec(
  "delimited()",
  (options) => delimited("aab", { maxMessageBytes: 5, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "frames": { input: "oneaabaabtwoaab", messages: frames("one", "", "two") },
    "a delimiter behind its own beginning": {
      input: "aaaabaaaab",
      messages: frames("aa", "aa"),
    },
    "the delimiter's beginning in a frame": {
      input: "aacaaab",
      messages: frames("aaca"),
    },
    "frames of exactly the limit": {
      input: "12345aabaaaaaaab",
      messages: frames("12345", "aaaaa"),
    },
    "up to a frame over the limit": {
      input: "oneaab123456aab",
      messages: frames("one"),
      error: { class: MessageTooLargeError, has: { limit: 5, offset: 6 } },
    },
    "up to a frame over the limit that has no end": {
      input: "oneaab123456",
      messages: frames("one"),
      error: { class: MessageTooLargeError, has: { limit: 5, offset: 6 } },
    },
    "up to a frame without an end": {
      input: "oneaabaa",
      messages: frames("one"),
      error: { class: TruncatedMessageError, has: { offset: 6, length: 2 } },
    },
  },
  { sized: (bytes) => new Uint8Array(bytes).fill(0x61) },
);

testCodec("delimited(0xff)", (options) => delimited(0xff, options), {
  "frames between single bytes": {
    input: Uint8Array.of(1, 0xff, 0xff, 2, 3, 0xff),
    messages: [Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)],
  },
});

testCodec("text(delimited())", (options) => text(delimited("\r\n", options)), {
  "text beyond ASCII and a byte order mark": {
    input: "é𝄞\r\n\ufeffa\nb\r\n\r\n",
    messages: ["é𝄞", "\ufeffa\nb", ""],
  },
  "up to a frame that is not UTF-8": {
    input: Uint8Array.of(0x61, 13, 10, 0xed, 0xa0, 0x80, 13, 10),
    messages: ["a"],
    error: { class: DecodeError, has: { offset: 3 }, cause: TypeError },
  },
}, { sized: (bytes) => "\r".repeat(bytes) });

testCodec(
  "json(delimited())",
  (options) => json(delimited(0, options), { bigint: true }),
  {
    "texts of any layout": {
      input: '{\n"a": 12345678901234567890\n}\0 null \0',
      messages: [{ a: 12345678901234567890n }, null],
    },
    "up to an empty frame": {
      input: "1\0\0",
      messages: [1],
      error: { class: DecodeError, has: { offset: 2 }, cause: SyntaxError },
    },
    "up to a frame without an end": {
      input: "1\x002",
      messages: [1],
      error: { class: TruncatedMessageError, has: { offset: 2, length: 1 } },
    },
  },
  { sized: (bytes) => ["x".repeat(bytes)] },
);

testCodec(
  "delimited({ allowUnterminated })",
  (options) =>
    delimited("aab", {
      allowUnterminated: true,
      maxMessageBytes: 5,
      ...options,
    }),
  {
    "a last frame without its delimiter": {
      input: "oneaabtwo",
      messages: frames("one", "two"),
    },
    "a last frame with half a delimiter": {
      input: "oneaabtwoaa",
      messages: frames("one", "twoaa"),
    },
    "up to a last frame over the limit": {
      input: "1234aa",
      messages: [],
      error: { class: MessageTooLargeError, has: { offset: 0 } },
    },
  },
);

testCodec(
  "text(delimited({ allowUnterminated }), { lenientUTF8 })",
  (options) =>
    text(delimited(0, { allowUnterminated: true, ...options }), {
      lenientUTF8: true,
    }),
  {
    "frames that are not UTF-8, the last without its delimiter": {
      input: bytes([0x61, 0xff, 0, 0xfe]),
      messages: ["a\ufffd", "\ufffd"],
    },
  },
);

Deno.test("delimited() decodes any encoded frames, whatever the chunks", () => {
  const byte = fc.integer({ min: 0, max: 2 });
  const content = fc.array(byte).map((list) => Uint8Array.from(list));
  const delimiter = fc.array(byte, { minLength: 1, maxLength: 4 })
    .map((list) => Uint8Array.from(list));
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      delimiter,
      fc.array(content),
      fc.array(fraction),
      (delimiter, contents, fractions) => {
        const codec = delimited(delimiter);
        const messages = contents.filter((content) => {
          const [head = "", ...rest] = [content, delimiter].map((part) =>
            part.join("")
          );
          const fits = (head + rest).indexOf(rest.join("")) === head.length;
          if (!fits) {
            assertThrows(
              () => encodeAll(codec, [content]),
              TypeError,
              "message has the delimiter in it",
            );
          }
          return fits;
        });
        const encoded = encodeAll(codec, messages);
        const decoded = decodeChunks(codec, cutAt(encoded, fractions));
        assertEquals(decoded, { messages, error: undefined });
      },
    ),
  );
});

Deno.test("delimited() decodes the same as std's DelimiterStream", async () => {
  const parts = fc.array(fc.constantFrom("a", "b", "c", "aab"));
  const delimiter = bytes("aab");
  await fc.assert(fc.asyncProperty(parts, async (parts) => {
    const input = bytes(parts.join("") + "aab");
    const expected = await Array.fromAsync(
      ReadableStream.from([input]).pipeThrough(new DelimiterStream(delimiter)),
    );
    const { messages } = decodeChunks(delimited(delimiter), [input]);
    // What follows the last delimiter is a frame to std, even when it is empty.
    assertEquals([...messages, bytes("")], expected);
  }));
});

Deno.test("delimited()'s frames do not change with later input", () => {
  const input = new ReadBuffer();
  const codec = delimited(0);
  input.append(bytes("one\0"));
  const frame = codec.decode(input);
  input.append(bytes("two\0"));
  assertEquals(frame, bytes("one"));
});

Deno.test("delimited() keeps a copy of its delimiter", () => {
  const delimiter = Uint8Array.of(1);
  const codec = delimited(delimiter);
  delimiter[0] = 2;
  assertEquals(encodeAll(codec, [Uint8Array.of(3)]), Uint8Array.of(3, 1));
});

Deno.test("delimited() names the delimiter that it refuses", () => {
  for (const delimiter of [-1, 256, 1.5, NaN]) {
    assertThrows(
      () => delimited(delimiter),
      RangeError,
      `delimiter is ${delimiter}, expected an integer from 0 to 255`,
    );
  }
  assertThrows(() => delimited(""), RangeError, "delimiter is empty");
  assertThrows(() => delimited(bytes("")), RangeError, "delimiter is empty");
  assertThrows(
    () => delimited(null as unknown as string),
    TypeError,
    "delimiter is null, expected a Uint8Array, a string or a byte",
  );
});

Deno.test("text() and json() refuse messages that their frames cannot represent", () => {
  const encodeText = (message: unknown) =>
    encodeAll(text(delimited(0)), [message as string]);
  assertEquals(encodeText("é"), bytes("é\0"));
  assertThrows(() => encodeText("\udfff"), TypeError, "a lone surrogate");
  assertThrows(
    () => encodeText(1),
    TypeError,
    "message is number, expected a string",
  );
  assertThrows(() => encodeText("a\0b"), TypeError, "delimiter");
  assertThrows(
    () => encodeAll(json(delimited("1")), [1]),
    TypeError,
    "delimiter",
  );
  assertThrows(
    () => encodeAll(delimited(0), ["one" as unknown as Uint8Array]),
    TypeError,
    "message is string, expected a Uint8Array",
  );
});
