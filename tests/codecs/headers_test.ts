import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  contentLength,
  DecodeError,
  json,
  MessageTooLargeError,
  netstrings,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

const frames = (...texts: string[]) => texts.map(bytes);
const one = "Content-Length: 3\r\n\r\none";

function malformed(input: string | Uint8Array) {
  const content = typeof input === "string" ? bytes(input) : input;
  return {
    input: bytes([...bytes(one), ...content]),
    messages: frames("one"),
    error: { class: DecodeError, has: { offset: 24 } },
  };
}

testCodec(
  "contentLength()",
  (options) => contentLength({ maxMessageBytes: 5, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "frames": {
      input: one + "Content-Length: 0\r\n\r\nContent-Length: 5\r\n\r\n12345",
      messages: frames("one", "", "12345"),
    },
    "other fields, blanks and names of either case": {
      input:
        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:\t03 \r\nX-Empty:\r\n\r\n\r\n\r",
      messages: frames("\r\n\r"),
    },
    "up to a frame over the limit, by its length alone": {
      input: one + "Content-Length: 6\r\n",
      messages: frames("one"),
      error: { class: MessageTooLargeError, has: { limit: 5, offset: 24 } },
    },
    "up to a length that no number can hold": {
      input: `Content-Length: ${2n ** 63n}\r\n`,
      messages: [],
      error: { class: MessageTooLargeError, has: { limit: 5, offset: 0 } },
    },
    "up to a header without a length": malformed("Content-Type: a\r\n\r\n"),
    "up to an empty header": malformed("\r\n"),
    "up to a second length": malformed(one.slice(0, 19) + one),
    "up to a negative length": malformed("Content-Length: -1\r\n\r\n"),
    "up to an empty length": malformed("Content-Length:\r\n\r\n"),
    "up to a length that is not decimal": malformed("Content-Length: 0x1\r\n"),
    "up to a line without a colon": malformed("Content-Length 1\r\n"),
    "up to a name with a blank": malformed("Content-Length : 1\r\n"),
    "up to a line that ends in LF alone": malformed("Content-Length: 1\n"),
    "up to an LF alone": malformed("\n"),
    "up to NUL in a header": malformed("X: \0\r\n"),
    "up to a header beyond ASCII": malformed("X: é\r\n"),
    "up to a header cut short": {
      input: one + "Content-Length: 3\r\n\r",
      messages: frames("one"),
      error: { class: TruncatedMessageError, has: { offset: 24, length: 20 } },
    },
    "up to a frame cut short": {
      input: one + one.slice(0, -1),
      messages: frames("one"),
      error: { class: TruncatedMessageError, has: { offset: 24, length: 23 } },
    },
  },
  { messages: fc.uint8Array(), sized: (bytes) => new Uint8Array(bytes) },
);

testCodec(
  "netstrings()",
  (options) => netstrings({ maxMessageBytes: 12, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "frames": {
      input: "3:one,0:,12:hello,world!,",
      messages: frames("one", "", "hello,world!"),
    },
    "up to a frame over the limit, by its length alone": {
      input: "0:,13",
      messages: frames(""),
      error: { class: MessageTooLargeError, has: { limit: 12, offset: 3 } },
    },
    "up to a frame cut short": {
      input: "3:one,3:one",
      messages: frames("one"),
      error: { class: TruncatedMessageError, has: { offset: 6, length: 5 } },
    },
    ...Object.fromEntries(
      Object.entries({
        "a frame without its comma": "3:onex",
        "a length with a leading zero": "03:one,",
        "a length that is not a number": "x:one,",
        "a length with a blank": "3 :one,",
        "no length": ":,",
        "a negative length": "-1:,",
      }).map(([title, input]) => [`up to ${title}`, {
        input: "0:," + input,
        messages: frames(""),
        error: { class: DecodeError, has: { offset: 3 } },
      }]),
    ),
  },
  { messages: fc.uint8Array(), sized: (bytes) => new Uint8Array(bytes) },
);

for (const [name, create] of Object.entries({ contentLength, netstrings })) {
  Deno.test(`${name}() decodes any encoded JSON`, () => {
    const codec = json(create());
    const messages = ["é𝄞\r\n\0", { a: [null] }];
    const decoded = decodeChunks(codec, [encodeAll(codec, messages)]);
    assertEquals(decoded, { messages, error: undefined });
  });

  Deno.test(`${name}() refuses an option and a message of the wrong type`, () => {
    assertThrows(
      () => create({ maxMessageBytes: -1 }),
      RangeError,
      "maxMessageBytes is -1, expected an integer of at least 1",
    );
    assertThrows(
      () => encodeAll(create(), ["one" as unknown as Uint8Array]),
      TypeError,
      "message is string, expected a Uint8Array",
    );
  });
}

Deno.test("contentLength() refuses a header over 4 KiB, whether or not it ends", () => {
  const field = (size: number) => bytes("X: ".padEnd(size - 2, "x") + "\r\n");
  const fits = [field(4075), bytes(one)].map((part) => [...part]).flat();
  assertEquals(decodeChunks(contentLength(), [bytes(fits)]).messages, [
    bytes("one"),
  ]);
  for (const input of [field(4097), field(4098).subarray(0, 4097)]) {
    const { error } = decodeChunks(contentLength(), [input]);
    assert(error instanceof MessageTooLargeError);
    assertEquals(
      error.message,
      "Message at offset 0 is larger than the limit: the size of a header is 4096",
    );
  }
});
