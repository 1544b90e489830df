import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertStringIncludes,
} from "@std/assert";
import {
  MessageTooLargeError,
  ReadBuffer,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { BadInput } from "../../qmp/_wire/bad_input.ts";
import { ServerCodec } from "../../qmp/_wire/server_codec.ts";
import { CountingBuffer } from "../support/protocol/counting_buffer.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** The messages of a stream that arrives in chunks. */
function decodeAll(
  bytes: Uint8Array,
  chunkSize = bytes.length,
  input = new ReadBuffer(),
): unknown[] {
  const codec = new ServerCodec();
  const messages = [];
  for (let at = 0; at < bytes.length; at += chunkSize) {
    input.append(bytes.subarray(at, at + chunkSize));
    let message = codec.decode(input);
    while (message !== undefined) {
      messages.push(message);
      message = codec.decode(input);
    }
  }
  return messages;
}

const SIZE = 20_000;
for (
  const [name, unit, first] of [
    ["bytes of 0xFF within a string", "\xff", '{"a":"'],
    ["control characters", "\x01", " "],
    ["lines that are not JSON", "@\n", " "],
    ["a run of a character that is not JSON", "@", " "],
    ["blanks", "  \n", " "],
    ["a string that never ends", "x", '{"a":"'],
    ["brackets that never close", "[", " "],
    ["brackets that close nothing", "}", " "],
  ] as const
) {
  Deno.test(`${name}: each byte is visited a constant number of times, whatever the chunks`, () => {
    const text = first + unit.repeat(SIZE);
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    for (const chunkSize of [bytes.length, 50]) {
      const input = new CountingBuffer();
      decodeText(bytes, chunkSize, input);
      const cost = input.count / bytes.length;
      console.log(
        `${cost.toFixed(1)} visits of a byte, chunks of ${chunkSize}`,
      );
      // Each chunk is visited from its start when it arrives.
      assertLess(cost, 12);
    }
  });
}

/** Decodes what has no JSON text in it: a proxy cannot be parsed. */
function decodeText(
  bytes: Uint8Array,
  chunkSize: number,
  input: ReadBuffer,
): void {
  const { decode } = TextDecoder.prototype;
  TextDecoder.prototype.decode = () => "not JSON";
  try {
    decodeAll(bytes, chunkSize, input);
  } finally {
    TextDecoder.prototype.decode = decode;
  }
}

Deno.test("a stream decodes to the same messages, whatever the chunks", () => {
  const bytes = encode(
    ` {"a":1}{'b':'"\\'\\\\'}\n[1,{"c":"}"}] 5 true@ junk\n"d" {"e":[` +
      `\u0001{"f":2}`,
  );
  const whole = decodeAll(bytes);
  assertEquals(whole.length, 9);
  for (let size = 1; size < bytes.length; size++) {
    assertEquals(decodeAll(bytes, size), whole);
  }
});

Deno.test("strings in single quotes are decoded as JSON strings", () => {
  for (
    const [given, value] of [
      ["{'a':'b'}", { a: "b" }],
      [`{'it\\'s':"it\\'s",'"':"'"}`, { "it's": "it's", '"': "'" }],
      ["['\\\\','\\u0041\\n','']", ["\\", "A\n", ""]],
      ["'€'", "€"],
    ] as const
  ) {
    assertEquals(decodeAll(encode(` ${given} `)), [value]);
  }
});

Deno.test("integers of 64 bits are kept, and members named __proto__ are members", () => {
  const [message] = decodeAll(
    encode('{"id":18446744073709551615,"__proto__":{"a":1},"constructor":2}'),
  );
  assertEquals(Object.entries(message as object), [
    ["id", 2n ** 64n - 1n],
    ["__proto__", { a: 1 }],
    ["constructor", 2],
  ]);
});

Deno.test("output is ASCII: other characters are escaped", () => {
  const output = new WriteBuffer();
  const message = { "ключ": "€ \u{1f600} \u007f \ud800 plain", id: 2n ** 63n };
  new ServerCodec().encode(message, output);
  const text = new TextDecoder().decode(output.take());
  assertEquals(
    text,
    String.raw`{"\u043A\u043B\u044E\u0447":"\u20AC \uD83D\uDE00 \u007F ` +
      String.raw`\ud800 plain","id":9223372036854775808}` + "\r\n",
  );
});

Deno.test("nesting beyond QEMU's limit is refused, and the next text is read", () => {
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const [good, bad, next] = decodeAll(encode(`${deep(1024)}${deep(1025)}[5]`));
  assert(Array.isArray(good));
  assertInstanceOf(bad, BadInput);
  assertEquals(bad.description, "JSON nesting depth limit exceeded");
  assertEquals(next, [5]);
});

Deno.test("a text over the limit is refused as soon as the limit is exceeded, and nothing behind it is read", () => {
  const codec = new ServerCodec(100);
  const input = new ReadBuffer();
  input.append(encode(` ["${"x".repeat(96)}"]  {"a":1}`));
  assert(Array.isArray(codec.decode(input)));
  assertEquals(codec.decode(input), { a: 1 });
  input.append(encode(`{"a":"${"x".repeat(95)}`));
  const refused = codec.decode(input);
  assertInstanceOf(refused, BadInput);
  assertInstanceOf(refused.fatal, MessageTooLargeError);
  assertStringIncludes(refused.description, "maxMessageBytes is 100");
  input.append(encode('"}{"execute":"quit"}'));
  assertEquals(codec.decode(input), undefined);
  assertEquals(input.length, 0);
});
