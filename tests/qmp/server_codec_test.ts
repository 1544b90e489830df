import { assert, assertInstanceOf, assertLess } from "@std/assert";
import { ReadBuffer } from "../../protocol/mod.ts";
import { ParseFailure, serverCodec } from "../../qmp/_wire/server_codec.ts";

/** Counts the bytes that are looked at in search of one. */
class SearchedBuffer extends ReadBuffer {
  searched = 0;

  override indexOf(byte: number, from = 0): number {
    const found = super.indexOf(byte, from);
    this.searched += (found < 0 ? this.length : found + 1) - from;
    return found;
  }
}

Deno.test("a line that is no JSON is skipped without a look at those behind it", () => {
  const lines = 1000;
  const text = "x\n".repeat(lines);
  const input = new SearchedBuffer();
  input.append(new TextEncoder().encode(text));
  const codec = serverCodec();
  for (let line = 0; line < lines; line++) {
    assertInstanceOf(codec.decode(input), ParseFailure);
  }
  assert(codec.decode(input) === undefined);
  assertLess(input.searched, 10 * text.length);
});
