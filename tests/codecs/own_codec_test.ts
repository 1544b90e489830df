/** Tests of the codec that docs/codecs.md writes. */
import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { bencode, type Value } from "../../docs/bencode.ts";
import {
  DecodeError,
  MessageTooLargeError,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import { CountingBuffer } from "../../testing/_codec_checks/counting_buffer.ts";
import {
  chunksOf,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

const docs = new URL("../../docs/", import.meta.url);

Deno.test("the page on codecs shows the whole bencode.ts", async () => {
  const page = await Deno.readTextFile(new URL("codecs.md", docs));
  const source = await Deno.readTextFile(new URL("bencode.ts", docs));
  assert(page.includes(`\`\`\`ts\n${source}\`\`\`\n`));
});

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value")),
  ),
}));

testCodec("bencode()", (options) => bencode(options), {
  "values of each kind": {
    input: "i42ei-7e5:hello0:le4:éélli1ee2:abe",
    messages: [42, -7, "hello", "", [], "éé", [[1], "ab"]],
  },
  "up to a list that is not closed": {
    input: "i1eli1e",
    messages: [1],
    error: { class: TruncatedMessageError, has: { offset: 3, length: 4 } },
  },
  "up to an end that closes nothing": {
    input: "i1ee",
    messages: [1],
    error: { class: DecodeError, has: { offset: 3 } },
  },
  "up to a number that never ends": {
    input: "i1e" + "1".repeat(30),
    messages: [1],
    error: { class: DecodeError, has: { offset: 3 } },
  },
  "up to a string over the limit, by its length alone": {
    input: "li1e65536:",
    messages: [],
    error: { class: MessageTooLargeError, has: { offset: 0 } },
  },
}, { messages: value, sized: (bytes) => [1, "x".repeat(bytes)] });

Deno.test("lists of 80,000 elements in chunks of 16 KiB cost as much per byte as small ones", () => {
  const cost = (elements: number) => {
    const list: Value = Array.from({ length: elements }, (_, i) => [i, "é"]);
    const content = encodeAll(bencode(), [list]);
    const input = new CountingBuffer();
    const codec = bencode({ maxMessageBytes: Infinity });
    const chunks = chunksOf(content, 16 * 1024);
    const { messages, error } = decodeChunks(codec, chunks, input);
    assertEquals(error, undefined);
    assertEquals(messages, [list]);
    return input.seen / content.length;
  };
  const [small, large] = [cost(800), cost(80_000)];
  console.log(`${small.toFixed(2)} and ${large.toFixed(2)} looks at each byte`);
  assertLess(large, 1.1 * small);
});
