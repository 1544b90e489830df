import { assertEquals, assertLess } from "@std/assert";

Deno.test("after a message of 16 MiB, the sessions hold less than 1.5 MiB of its memory", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--allow-all", "--v8-flags=--expose-gc"],
      "huge_messages.ts",
    ],
    cwd: new URL(".", import.meta.url),
    stderr: "inherit",
  }).output();
  assertEquals(success, true);
  const grown: Record<string, number[]> = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  assertEquals(Object.keys(grown).length, 7);
  for (const [codec, mibs] of Object.entries(grown)) {
    assertEquals(mibs.length, 3);
    for (const mib of mibs) assertLess(mib, 1.5, codec);
  }
});
