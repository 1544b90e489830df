import { assertLess, assertThrows } from "@std/assert";
import {
  DecodeError,
  json,
  MessageTooLargeError,
  ReadBuffer,
  webSocketMessages,
  webSocketText,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

testCodec("webSocketMessages()", webSocketMessages, {
  "a text and bytes": {
    input: bytes(0x81, 2, 0x68, 0x69, 0x82, 1, 7),
    messages: ["hi", bytes(7)],
  },
  "a text in three frames, one of them empty": {
    input: bytes(0x01, 1, 0x61, 0x00, 0, 0x80, 1, 0x62),
    messages: ["ab"],
  },
  "a frame that is masked": {
    input: bytes(0x81, 0x81, 0, 0, 0, 0, 0x61),
    messages: [],
    error: { class: DecodeError, has: { offset: 0 } },
  },
}, { sized: (size) => "x".repeat(size) });

testCodec(
  "json(webSocketText())",
  (options) => json(webSocketText(options)),
  {
    "two values": {
      input: bytes(0x81, 2, 0x5b, 0x5d, 0x81, 1, 0x37),
      messages: [[], 7],
    },
  },
);

Deno.test("a message that is neither text nor bytes is refused", () => {
  for (const message of [7, null, {}, new ArrayBuffer(1), "\ud800"]) {
    assertThrows(
      () => webSocketMessages().encode(message as string, new WriteBuffer()),
      TypeError,
      "Cannot encode",
    );
  }
});

Deno.test("frames that do not belong to a message are refused", () => {
  for (
    const bad of [
      bytes(0x80, 0), // A continuation of nothing.
      bytes(0x01, 0, 0x81, 0), // A text within a text.
      bytes(0x89, 0), // A ping.
      bytes(0xc1, 0), // A reserved bit.
    ]
  ) {
    const input = new ReadBuffer();
    input.append(bad);
    assertThrows(() => webSocketMessages().decode(input), DecodeError);
  }
});

Deno.test("endless empty frames of a message are refused", () => {
  const input = new ReadBuffer();
  const codec = webSocketMessages({ maxMessageBytes: 1000 });
  input.append(bytes(0x01, 0));
  const empty = bytes(...Array(50).fill([0x00, 0]).flat());
  assertThrows(() => {
    while (input.length < 100_000) {
      codec.decode(input);
      input.append(empty);
    }
  }, MessageTooLargeError);
  assertLess(input.length, 4000);
});
