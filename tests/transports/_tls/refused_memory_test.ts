import { assertEquals, assertLess } from "@std/assert";
import { runDeno } from "../../support/program.ts";

const HANDSHAKES = 1_200;
const MAX_BYTES = 1_000;

Deno.test("a refused handshake releases its memory and its file descriptor at once", async () => {
  const script = new URL("refuse.ts", import.meta.url).href;
  const { stdout, stderr } = await runDeno([
    ...["run", "--allow-all", "--v8-flags=--expose-gc"],
    ...[script, String(HANDSHAKES)],
  ]);
  assertEquals(stderr, "");
  const { bytes, descriptors } = JSON.parse(stdout);
  const each = bytes / HANDSHAKES;
  console.log(`${each.toFixed(0)} bytes a refused handshake, of ${MAX_BYTES}`);
  assertLess(each, MAX_BYTES);
  assertEquals(descriptors, 0);
});
