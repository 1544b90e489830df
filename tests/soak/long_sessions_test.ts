import { assertEquals, assertLess } from "@std/assert";
import { runDeno } from "../support/program.ts";

const MAX_GROWTH = 1_000_000;

Deno.test("50,000 calls in one session of JSON-RPC, MessagePack-RPC or QMP leave no memory behind", async () => {
  const script = new URL("long_sessions.ts", import.meta.url).href;
  const { stdout, stderr } = await runDeno([
    ...["run", "--allow-env", "--allow-read", "--v8-flags=--expose-gc"],
    script,
  ]);
  assertEquals(stderr, "");
  const growth: Record<string, number> = JSON.parse(stdout);
  assertEquals(Object.keys(growth), ["JSON-RPC", "MessagePack-RPC", "QMP"]);
  for (const [protocol, bytes] of Object.entries(growth)) {
    console.log(`${protocol}: ${bytes} bytes, of ${MAX_GROWTH}`);
    assertLess(bytes, MAX_GROWTH, protocol);
  }
});
