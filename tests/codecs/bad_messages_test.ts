/** Tests of `badMessages`: `_util/bad_messages.ts` and `_frames/layer.ts`. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Codec,
  DecodeError,
  decoderStream,
  delimited,
  json,
  jsonLines,
  lengthPrefixed,
  lines,
  MessageTooLargeError,
  type ProtocolError,
  ReadBuffer,
  text,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

/** The codec with its errors as text, which a table can show. */
function shown<T>(codec: Codec<T | ProtocolError, T>): Codec<unknown, T> {
  const show = (message: T | ProtocolError | undefined) =>
    message instanceof DecodeError
      ? `not decoded at ${message.offset}`
      : message instanceof MessageTooLargeError
      ? `too large at ${message.offset}`
      : message;
  return {
    decode: (input) => show(codec.decode(input)),
    end: (input) => show(codec.end?.(input)),
    encode: (message, output) => codec.encode(message, output),
  };
}

const cut = (offset: number, length: number) => ({
  class: TruncatedMessageError,
  has: { offset, length },
});

testCodec(
  'lines({ badMessages: "deliver" })',
  (options) =>
    shown(lines({ maxMessageBytes: 6, badMessages: "deliver", ...options })),
  {
    "good lines": { input: "a\nb\r\n", messages: ["a", "b"] },
    "lines that are not UTF-8 among others": {
      input: bytes([0x61, 10, 0xff, 10, 0xc0, 0xaf, 13, 10, 0x62, 10]),
      messages: ["a", "not decoded at 2", "not decoded at 4", "b"],
    },
    "lines over the limit among others": {
      input: "a\n1234567\nb\n12345678901234567890\r\n\nc\n",
      messages: ["a", "too large at 2", "b", "too large at 12", "", "c"],
    },
    "up to a line over the limit that is cut": {
      input: "a\n1234567890",
      messages: ["a", "too large at 2"],
      error: cut(2, 10),
    },
    "up to a line within the limit that is cut": {
      input: "1234567\nabc",
      messages: ["too large at 0"],
      error: cut(8, 3),
    },
  },
);

testCodec(
  'lines({ badMessages: "skip" })',
  (options) => lines({ maxMessageBytes: 6, badMessages: "skip", ...options }),
  {
    "noise over the limit before a line": {
      input: "noise, noise, noise\none\n" + "x".repeat(100) + "\r\ntwo\n",
      messages: ["one", "two"],
    },
    "up to noise that is cut": {
      input: "one\n1234567",
      messages: ["one"],
      error: cut(4, 7),
    },
  },
);

testCodec(
  'lines({ newline: "\\r\\n", badMessages: "deliver" })',
  (options) =>
    shown(lines({
      maxMessageBytes: 9,
      newline: "\r\n",
      badMessages: "deliver",
      ...options,
    })),
  {
    "lines with an LF or a CR in them, each one bad line": {
      input: "250 a\n250 b\r\nok\r\na\rb\r\nok\r\n\n\r\n",
      messages: [
        ...["not decoded at 0", "ok", "not decoded at 17", "ok"],
        "not decoded at 26",
      ],
    },
  },
);

testCodec(
  'jsonLines({ badMessages: "deliver" })',
  (options) =>
    shown(
      jsonLines({ maxMessageBytes: 9, badMessages: "deliver", ...options }),
    ),
  {
    "lines that are not JSON among others": {
      input: "1\noops\n\n[2]\n{\n}\n3\n",
      messages: [
        ...[1, "not decoded at 2", [2], "not decoded at 12"],
        ...["not decoded at 14", 3],
      ],
    },
    "a line over the limit among others": {
      input: '1\n"123456789012345"\n2\n',
      messages: [1, "too large at 2", 2],
    },
    "a line that is not UTF-8 among others": {
      input: bytes([0x31, 10, 0x22, 0xff, 0x22, 10, 0x32, 10]),
      messages: [1, "not decoded at 2", 2],
    },
  },
);

testCodec(
  'jsonLines({ badMessages: "skip" })',
  (options) => jsonLines({ badMessages: "skip", ...options }),
  {
    "what a console prints before the messages": {
      input: "SeaBIOS (version 1.16)\r\n\r\nBooting...\r\n{}\r\n[1\r\n[1]\r\n",
      messages: [{}, [1]],
    },
  },
);

testCodec(
  'delimited({ badMessages: "deliver" })',
  (options) =>
    shown(delimited("aab", {
      maxMessageBytes: 4,
      badMessages: "deliver",
      ...options,
    })),
  {
    "frames over the limit among others, up to their delimiters": {
      input: "oneaab123456aaabtwoaaba12345aabaab",
      messages: [
        ...[bytes("one"), "too large at 6", bytes("two")],
        ...["too large at 22", bytes("")],
      ],
    },
    "up to a frame over the limit that is cut in its delimiter": {
      input: "oneaab123456aa",
      messages: [bytes("one"), "too large at 6"],
      error: cut(6, 8),
    },
  },
);

testCodec(
  'json(delimited(), { badMessages: "deliver" })',
  (options) =>
    shown(json(
      delimited("|", {
        maxMessageBytes: 8,
        badMessages: "deliver",
        ...options,
      }),
      { badMessages: "deliver" },
    )),
  {
    "frames that are bad in either way, among others": {
      input: "[1]|oops|[2]|[1,2,3,4,5,6]|[3]|",
      messages: [
        ...[[1], "not decoded at 4", [2], "too large at 13", [3]],
      ],
    },
  },
);

testCodec(
  'text(lengthPrefixed(), { badMessages: "skip" })',
  (options) =>
    text(lengthPrefixed({ lengthFieldLength: 1, ...options }), {
      badMessages: "skip",
    }),
  {
    "frames that are not UTF-8 among others": {
      input: bytes([1, 0x61, 1, 0xff, 2, 0xc0, 0xaf, 1, 0x62]),
      messages: ["a", "b"],
    },
  },
);

Deno.test("a bad message that is delivered is the error that would be thrown", async () => {
  const input = '{"id":1}\noops\n';
  const thrown = decodeChunks(jsonLines(), [bytes(input)]).error;
  const stream = new Blob([input, "2\n"]).stream()
    .pipeThrough(decoderStream(jsonLines({ badMessages: "deliver" })));
  const [_, error, last] = await Array.fromAsync(stream);
  assert(thrown instanceof DecodeError && error instanceof DecodeError);
  assertEquals(error.message, thrown.message);
  assert(error.cause instanceof SyntaxError);
  assertEquals(last, 2);
});

Deno.test("a length that is too large is thrown, because the end of its frame is unknown", () => {
  const codec = json(lengthPrefixed(), { badMessages: "deliver" });
  const { messages, error } = decodeChunks(codec, [bytes([255, 0, 0, 0, 1])]);
  assertEquals(messages, []);
  assert(error instanceof MessageTooLargeError);
});

Deno.test("noise of 64 MiB before a line takes the memory of a chunk", () => {
  const codec = lines({ badMessages: "skip" });
  const input = new ReadBuffer();
  const chunk = new Uint8Array(64 * 1024).fill(0x78);
  for (let i = 0; i < 1024; i++) {
    input.append(chunk);
    assertEquals(codec.decode(input), undefined);
    assert(input.length <= 64 * 1024, `${input.length} bytes are kept`);
  }
  input.append(bytes("\none\n"));
  assertEquals(codec.decode(input), "one");
});

Deno.test("a codec that skips a bad message decodes another input from its start", () => {
  const codec = lines({ maxMessageBytes: 2, badMessages: "skip" });
  assertEquals(decodeChunks(codec, [bytes("12345")]).messages, []);
  assertEquals(decodeChunks(codec, [bytes("1\n2\n")]).messages, ["1", "2"]);
});

Deno.test("codecs that deliver bad messages encode like codecs that throw", () => {
  const badMessages = "deliver";
  assertEquals(encodeAll(lines({ badMessages }), ["a"]), bytes("a\n"));
  assertThrows(() => encodeAll(lines({ badMessages }), ["a\nb"]), TypeError);
  assertEquals(encodeAll(jsonLines({ badMessages }), [[1]]), bytes("[1]\n"));
});

Deno.test("more bad messages than maxBadMessages are thrown, delivered or skipped before", () => {
  const input = [bytes("x\n".repeat(2000))];
  const thousand = decodeChunks(jsonLines({ badMessages: "deliver" }), input);
  assertEquals(thousand.messages.length, 1000);
  assert(thousand.error instanceof DecodeError);
  assertEquals(thousand.error.offset, 2000);
  for (
    const codec of [
      jsonLines({ badMessages: "skip", maxBadMessages: 2 }),
      json(delimited("\n"), { badMessages: "skip", maxBadMessages: 2 }),
    ]
  ) {
    const { messages, error } = decodeChunks(codec, input);
    assertEquals(messages, []);
    assert(error instanceof DecodeError);
    assertEquals(error.offset, 4);
  }
  const maxBadMessages = Infinity;
  const all = jsonLines({ badMessages: "skip", maxBadMessages });
  assertEquals(decodeChunks(all, input), { messages: [], error: undefined });
  assertThrows(
    () => lines({ maxBadMessages: -1 }),
    RangeError,
    "maxBadMessages is -1, expected an integer of at least 0",
  );
});

Deno.test("an unknown value of badMessages is refused by its name", () => {
  const badMessages = "ignore" as "skip";
  for (
    const create of [
      () => lines({ badMessages }),
      () => jsonLines({ badMessages }),
      () => delimited(0, { badMessages }),
      () => text(delimited(0), { badMessages }),
      () => json(delimited(0), { badMessages }),
    ]
  ) {
    assertThrows(
      create,
      TypeError,
      'badMessages is "ignore", expected "throw" or "deliver" or "skip"',
    );
  }
});
