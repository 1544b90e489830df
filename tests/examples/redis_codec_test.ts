import {
  DecodeError,
  MessageTooLargeError,
  TruncatedMessageError,
} from "@parley/parley";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { resp } from "../../examples/redis/codec.ts";
import { Push, RedisError } from "../../examples/redis/value.ts";
import type { Command, Message } from "../../examples/redis/value.ts";
import { decoderStream, WriteBuffer } from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";

const malformed = (offset: number) => ({
  class: DecodeError,
  has: { offset },
});

testCodec<Message, Command>("resp()", (options) => resp(options), {
  "scalars": {
    input:
      "+OK\r\n:-12\r\n#t\r\n#f\r\n_\r\n,1.5\r\n,-inf\r\n,1e3\r\n$-1\r\n*-1\r\n",
    messages: ["OK", -12, true, false, null, 1.5, -Infinity, 1000, null, null],
  },
  "integers of any size": {
    input:
      ":9007199254740993\r\n(3492890328409238509324850943850943825024385\r\n",
    messages: [9007199254740993n, 3492890328409238509324850943850943825024385n],
  },
  "strings, with CR LF in them": {
    input: "$2\r\n\r\n\r\n$0\r\n\r\n=9\r\ntxt:grün\r\n",
    messages: ["\r\n", "", "grün"],
  },
  "aggregates within each other": {
    input: "*3\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n*0\r\n*1\r\n*1\r\n_\r\n",
    messages: [[new Map([["a", new Set([1, 2])]]), [], [[null]]]],
  },
  "pushes between replies": {
    input: ">2\r\n+message\r\n$1\r\nx\r\n:1\r\n",
    messages: [new Push(["message", "x"]), 1],
  },
  "attributes, which describe the next value": {
    input:
      "|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+a\r\n*1\r\n+b\r\n:2\r\n:3\r\n",
    messages: [[1, 2], 3],
  },
  "streamed values": {
    input:
      "$?\r\n;4\r\nHell\r\n;3\r\no w\r\n;0\r\n*?\r\n:1\r\n%?\r\n+a\r\n$?\r\n;0\r\n.\r\n.\r\n",
    messages: ["Hello w", [1, new Map([["a", ""]])]],
  },
  "up to a type that does not exist": {
    input: "+OK\r\n@1\r\n",
    messages: ["OK"],
    error: malformed(5),
  },
  "up to a string that is longer than it says": {
    input: "$1\r\nab\r\n",
    messages: [],
    error: malformed(4),
  },
  "up to a length that is not a number": {
    input: "*1\r\n$x\r\n",
    messages: [],
    error: malformed(4),
  },
  "up to a line that ends in CR alone": {
    input: "+a\rb\r\n",
    messages: [],
    error: malformed(0),
  },
  "up to a part of a string that is not streamed": {
    input: ";1\r\na\r\n",
    messages: [],
    error: malformed(0),
  },
  "up to the end of a map within a pair": {
    input: "%?\r\n+a\r\n.\r\n",
    messages: [],
    error: { class: DecodeError },
  },
  "up to a push within an array": {
    input: "*1\r\n>1\r\n+a\r\n",
    messages: [],
    error: { class: DecodeError },
  },
  "up to an array that is cut short": {
    input: "+OK\r\n*2\r\n:1\r\n",
    messages: ["OK"],
    error: { class: TruncatedMessageError, has: { offset: 5, length: 8 } },
  },
}, {
  messages: fc.array(fc.string({ unit: "grapheme" }), {
    minLength: 1,
  }) as unknown as { generate(): { value: Command } },
  sized: (bytes) => ["x".repeat(bytes)],
});

Deno.test("resp() refuses a message by the length that it announces", async () => {
  const stream = new Blob(["*2\r\n:1\r\n$2000\r\n"]).stream()
    .pipeThrough(decoderStream(resp({ maxMessageBytes: 1000 })));
  await assertRejects(
    () => stream.pipeTo(new WritableStream()),
    MessageTooLargeError,
  );
});

Deno.test("resp() refuses values within each other that have no end", async () => {
  const stream = new Blob(["*1\r\n".repeat(200)]).stream()
    .pipeThrough(decoderStream(resp()));
  await assertRejects(() => stream.pipeTo(new WritableStream()), DecodeError);
});

Deno.test("resp() gives strings as bytes where that is asked for", async () => {
  const input = "$2\r\nab\r\n*2\r\n+c\r\n$1\r\nd\r\n";
  const messages = new Blob([input]).stream()
    .pipeThrough(decoderStream(resp({ binary: () => true })));
  assertEquals(await Array.fromAsync(messages), [
    Uint8Array.of(97, 98),
    ["c", Uint8Array.of(100)],
  ]);
});

Deno.test("resp() gives a push as text, also before a reply of bytes", async () => {
  const parts = "$7\r\nmessage\r\n$4\r\nnews\r\n$?\r\n;2\r\nhi\r\n;0\r\n";
  const messages = new Blob([`>3\r\n${parts}$1\r\nd\r\n`]).stream()
    .pipeThrough(decoderStream(resp({ binary: () => true })));
  assertEquals(await Array.fromAsync(messages), [
    new Push(["message", "news", "hi"]),
    Uint8Array.of(100),
  ]);
});

Deno.test("resp() encodes text, numbers and bytes, and refuses an empty command", () => {
  const output = new WriteBuffer();
  resp().encode(["é", 12, Uint8Array.of(0xff), "😀"], output);
  const bytes = output.take();
  assertEquals(
    new TextDecoder("latin1").decode(bytes.slice(0, -6)),
    "*4\r\n$2\r\nÃ©\r\n$2\r\n12\r\n$1\r\nÿ\r\n$4\r\n",
  );
  const empty = [] as unknown as Command;
  assertThrows(() => resp().encode(empty, output), TypeError, "empty command");
});

Deno.test("resp() decodes errors, short and long, with their codes", async () => {
  const errors = new Blob(["-ERR no\r\n!11\r\nSYNTAX line\r\n"]).stream()
    .pipeThrough(decoderStream(resp()));
  const codes = [];
  for await (const error of errors) {
    if (error instanceof RedisError) codes.push([error.code, error.message]);
  }
  assertEquals(codes, [["ERR", "ERR no"], ["SYNTAX", "SYNTAX line"]]);
});
