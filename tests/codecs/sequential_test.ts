import {
  type CodecOptions,
  DecodeError,
  decoderStream,
  type Decoding,
  MessageTooLargeError,
  ReadBuffer,
  sequential,
  TruncatedMessageError,
} from "../../protocol/codecs/mod.ts";
import type { Codec, CodecInput } from "../../protocol/codecs/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { testCodec } from "../../testing/mod.ts";

type Tree = string | Tree[];

/** Text behind its length in 2 bytes; a list is `[`, its values and `]`. */
function trees(options: CodecOptions = {}): Codec<Tree> {
  return sequential<Tree>({
    *decode(input) {
      const value = yield* decodeTree(input);
      if (value === undefined) throw input.malformed("Message is not a tree");
      return value;
    },
    encode: function encode(value, output) {
      if (typeof value === "string") {
        const bytes = new TextEncoder().encode(value);
        output.text("=");
        output.uint(bytes.length, 4);
        output.bytes(bytes);
        return;
      }
      output.text("[");
      for (const item of value) encode(item, output);
      output.text("]");
    },
  }, options);
}

/** A value, or `undefined` for the end of a list. */
function* decodeTree(input: CodecInput): Decoding<Tree | undefined> {
  yield 1;
  const kind = String.fromCharCode(input.uint(0, 1));
  if (!"=[]".includes(kind)) throw input.malformed("Message is not a tree");
  input.consume(1);
  if (kind === "]") return undefined;
  if (kind === "=") {
    yield 4;
    const size = 4 + input.uint(0, 4);
    yield size;
    return new TextDecoder().decode(input.take(size, 4));
  }
  const items: Tree[] = [];
  for (;;) {
    const item = yield* decodeTree(input);
    if (item === undefined) return items;
    items.push(item);
  }
}

testCodec<Tree>("sequential()", trees, {
  "values within each other": {
    input: "[=\0\0\0\x02ab[]]=\0\0\0\0[]",
    messages: [["ab", []], "", []],
  },
  "up to a value that is cut": {
    input: "[][=\0\0\0\x02a",
    messages: [[]],
    error: { class: TruncatedMessageError, has: { offset: 2, length: 7 } },
  },
  "up to bytes that are malformed within a message": {
    input: "[][[]?",
    messages: [[]],
    error: { class: DecodeError, has: { offset: 5 } },
  },
  "up to an announced size over the limit": {
    input: "[][=\x7f\0\0\0",
    messages: [[]],
    error: { class: MessageTooLargeError, has: { offset: 2, limit: 65536 } },
  },
}, { sized: (bytes) => ["", "x".repeat(bytes)] });

Deno.test("sequential() refuses a message over its limit of which no step waits for more", () => {
  const codec = sequential<number>({
    *decode(input) {
      yield 1;
      const { length } = input;
      input.consume(length);
      return length;
    },
    encode() {},
  }, { maxMessageBytes: 10 });
  const input = new ReadBuffer();
  input.append(new Uint8Array(10));
  assertEquals(codec.decode(input), 10);
  input.append(new Uint8Array(11));
  assertThrows(() => codec.decode(input), MessageTooLargeError, "offset 10");
});

Deno.test("sequential() does not begin a message before its first byte", () => {
  let begun = 0;
  const codec = sequential<number>({
    *decode(input) {
      begun++;
      yield 1;
      input.consume(1);
      return begun;
    },
    encode() {},
  });
  const input = new ReadBuffer();
  assertEquals(codec.decode(input), undefined);
  assertEquals(codec.end?.(input), undefined);
  assertEquals(begun, 0);
  input.append(Uint8Array.of(1));
  assertEquals(codec.decode(input), 1);
});

/** Yields what it is given, and then returns it or another value. */
function yielding(wanted: number, message?: number): Codec<number> {
  return sequential<number>({
    *decode() {
      yield wanted;
      return message as number;
    },
    encode() {},
  });
}

for (const wanted of [NaN, -1]) {
  Deno.test(`sequential() refuses a step that waits for ${wanted} bytes`, () => {
    const input = new ReadBuffer();
    input.append(Uint8Array.of(1));
    assertThrows(
      () => yielding(wanted).decode(input),
      RangeError,
      `Cannot decode: decode() has yielded ${wanted}: it must be at least 0`,
    );
  });
}

Deno.test("sequential() refuses undefined as a message: it would be taken for an incomplete one", () => {
  const input = new ReadBuffer();
  input.append(Uint8Array.of(1));
  assertThrows(
    () => yielding(0).decode(input),
    TypeError,
    "Cannot decode: decode() has returned undefined: it must be a message",
  );
});

Deno.test("decoderStream() errors at a message of sequential() that consumes nothing", async () => {
  const stream = new Blob(["a"]).stream()
    .pipeThrough(decoderStream(yielding(0, 1)));
  await assertRejects(
    () => Array.fromAsync(stream),
    Error,
    "Cannot decode: decode() has returned a message and consumed nothing",
  );
});

Deno.test("a message of sequential() may end at the first byte of the next one, whatever the chunks", async () => {
  const runs = () =>
    sequential<string>({
      *decode(input) {
        const first = input.at(0) ?? 0;
        let run = "";
        while (input.at(0) === first) {
          run += String.fromCharCode(first);
          input.consume(1);
          yield 1;
        }
        return run;
      },
      encode() {},
    });
  const chunks = [..."aabccc."].map((byte) => new TextEncoder().encode(byte));
  const stream = ReadableStream.from(chunks)
    .pipeThrough(decoderStream(runs()));
  const messages: string[] = [];
  const error = await assertRejects(async () => {
    for await (const message of stream) messages.push(message);
  }, TruncatedMessageError);
  assertEquals(messages, ["aa", "b", "ccc"]);
  assertEquals([error.offset, error.length], [6, 1]);
});

Deno.test("sequential() names an option that is wrong", () => {
  assertThrows(
    () => trees({ maxMessageBytes: 0 }),
    RangeError,
    "maxMessageBytes is 0",
  );
});
