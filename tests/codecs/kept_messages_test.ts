/** The memory of messages that an application keeps. */
import { assertEquals, assertLess } from "@std/assert";
import {
  type Codec,
  delimited,
  encoderStream,
  jsonLines,
  lines,
  ReadBuffer,
  text,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { bytes } from "../../testing/_codec_checks/decoding.ts";

const MIB = 1024 * 1024;
const CHUNKS = 3000;
const CHUNK_BYTES = 64 * 1024;
/** All chunks have 188 MiB, the kept messages 47 KiB. */
const MAX_GROWTH = 80 * MIB;

const kinds: Record<string, [Codec<unknown>, string]> = {
  "lines()": [lines(), "0123456789abcdef\n"],
  "lines() beyond Latin-1": [lines(), "0123456789€bcdef\n"],
  "jsonLines()": [jsonLines(), '"0123456789abcdef"\n'],
  "text(delimited())": [text(delimited(0)), "0123456789abcdef\0"],
};

for (const [name, [codec, unit]] of Object.entries(kinds)) {
  Deno.test(`a kept message of every 64 KiB of ${name} does not keep the others in memory`, () => {
    const chunk = bytes(unit.repeat(CHUNK_BYTES / unit.length));
    const input = new ReadBuffer();
    const kept: unknown[] = [];
    const before = Deno.memoryUsage().rss;
    for (let i = 0; i < CHUNKS; i++) {
      input.append(chunk);
      kept.push(codec.decode(input));
      while (codec.decode(input) !== undefined);
    }
    const growth = Deno.memoryUsage().rss - before;
    console.log(`${name}: ${(growth / MIB).toFixed(0)} MiB more`);
    assertEquals(kept.length, CHUNKS);
    assertLess(growth, MAX_GROWTH);
  });
}

Deno.test("codecs and streams release the memory of large encoded messages", async () => {
  const large = "x".repeat(16 * MIB);
  const kept: unknown[] = [];
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 12; i++) {
    const codec = text(delimited(0));
    codec.encode(large, new WriteBuffer());
    const { readable, writable } = encoderStream(lines());
    const writer = writable.getWriter();
    const written = writer.write(large);
    const reader = readable.getReader();
    assertEquals((await reader.read()).value?.length, large.length + 1);
    await written;
    kept.push(codec, reader, writer);
  }
  const growth = Deno.memoryUsage().rss - before;
  console.log(`24 times 16 MiB: ${(growth / MIB).toFixed(0)} MiB more`);
  assertLess(growth, 256 * MIB);
  assertEquals(kept.length, 36);
});
