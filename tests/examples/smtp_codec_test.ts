import { assertEquals } from "@std/assert";
import { type Reply, smtp } from "../../examples/smtp/codec.ts";
import {
  type CodecOptions,
  type CodecOutput,
  DecodeError,
  ReadBuffer,
  TruncatedMessageError,
} from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";
import { encodingCodec } from "../support/examples/encoding_codec.ts";

const codec = (options: CodecOptions) => encodingCodec(smtp(options), encode);

/** Encodes a reply as a server does. */
function encode({ code, lines }: Reply, output: CodecOutput): void {
  for (const [i, line] of lines.entries()) {
    output.text(`${code}${i < lines.length - 1 ? "-" : " "}${line}\r\n`);
  }
}

testCodec<Reply>("smtp()", codec, {
  "replies of one line and of several": {
    input: "220 mail ready\r\n250-mail\r\n250-SIZE 100\r\n250 HELP\r\n354 \r\n",
    messages: [
      { code: 220, lines: ["mail ready"] },
      { code: 250, lines: ["mail", "SIZE 100", "HELP"] },
      { code: 354, lines: [""] },
    ],
  },
  "up to a line without a code": {
    input: "220 mail\r\nHTTP/1.1 400\r\n",
    messages: [{ code: 220, lines: ["mail"] }],
    error: { class: DecodeError, has: { offset: 10 } },
  },
  "up to the end within a reply of several lines": {
    input: "250-mail\r\n",
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 10 } },
  },
  "up to the end within a line": {
    input: "250-mail\r\n250 x",
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 15 } },
  },
}, {
  sized: (bytes) => ({
    code: 250,
    lines: Array.from({ length: Math.ceil(bytes / 50) }, () => "x".repeat(50)),
  }),
});

Deno.test("smtp() takes a code without a text for a reply", () => {
  assertEquals(decodeAll("250\r\n"), [{ code: 250, lines: [""] }]);
});

function decodeAll(text: string): Reply[] {
  const codec = smtp();
  const input = new ReadBuffer();
  input.append(new TextEncoder().encode(text));
  const replies = [];
  for (let reply; (reply = codec.decode(input));) replies.push(reply);
  return replies;
}
