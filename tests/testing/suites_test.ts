import { assert, assertEquals } from "@std/assert";

/** Runs a file of suites, and gives its tests by their outcome. */
async function outcomes(
  file: string,
): Promise<{ passed: string[]; failed: string[] }> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--allow-all", file],
    cwd: new URL(".", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  const named = (outcome: string) =>
    Array.from(
      text.matchAll(RegExp(`^(.+) \\.\\.\\. ${outcome} \\(`, "gm")),
      ([, name = ""]) => name,
    );
  return { passed: named("ok"), failed: named("FAILED") };
}

Deno.test("testCodec() fails a codec that breaks a promise, for that promise", async () => {
  const { passed, failed } = await outcomes("broken_codecs.ts");
  assertEquals(
    failed.filter((name) => name.startsWith("lines")),
    [
      "lines without a limit takes a message up to its limit and refuses a larger one",
      "lines without a limit refuses a message over its limit before it is all there",
      "lines whose limit counts when they are whole refuses a message over its limit before it is all there",
      "lines searched from their start looks at each byte of a message a bounded number of times",
      "lines in upper case gives back any messages, however their bytes are cut",
      "lines that end with the stream decodes two lines, split at every byte",
      "lines that end with the stream gives nothing new of a stream that is cut short",
      "lines that end with the stream gives back any messages, however their bytes are cut",
    ],
  );
  assert(
    failed.includes("whole lines alone decodes two lines, split at every byte"),
  );
  assert(passed.length > 10);
});

Deno.test("testTransport() fails connections that break a promise, for that promise", async () => {
  const { passed, failed } = await outcomes("broken_connections.ts");
  for (
    const name of [
      "close() that drops: close() loses nothing that was written",
      "abort() without its reason: abort() wakes a pending read with its reason",
      "abort() without its reason: abort() wakes pending writes with its reason",
      "a timer left behind: an empty write is no end",
      "a rejection left behind: an empty write is no end",
      "read() that ends where it fails: abort() wakes a read() and a write() with its reason",
      "plain streams: a BYOB read is served into its own buffer",
      "the end of reading ends writing: a half-close during 8 MiB loses no byte of them",
      "bytes out of order: bytes arrive as they were sent, and then the end",
    ]
  ) assert(failed.includes(name), name);
  for (
    const name of [
      "close() that drops: bytes arrive as they were sent, and then the end",
      "abort() without its reason: close() loses nothing that was written",
      "read() that ends where it fails: read() and write() carry a MiB each way at once, each to its end",
      "bytes out of order: an empty write is no end",
    ]
  ) assert(passed.includes(name), name);
});
