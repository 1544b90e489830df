import { assert, assertEquals, assertStringIncludes } from "@std/assert";

/** Runs all or named tests of a file of suites, and returns their outcomes. */
async function outcomes(file: string, names?: readonly string[]) {
  const only = names?.map((name) => RegExp.escape(name)).join("|");
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--allow-all"],
      ...only === undefined ? [] : [`--filter=/^(${only})$/`],
      file,
    ],
    cwd: new URL(".", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  const named = (outcome: string) =>
    Array.from(
      text.matchAll(RegExp(`^(.+) \\.\\.\\. ${outcome} \\(`, "gm")),
      ([, name = ""]) => name,
    );
  return {
    passed: named("ok"),
    failed: named("FAILED"),
    ignored: named("ignored"),
    text,
  };
}

Deno.test("testCodec() fails a codec that breaks a law, for that law", async () => {
  const { passed, failed, text } = await outcomes("broken_codecs.ts");
  assertEquals(
    failed.filter((name) => name.startsWith("lines")),
    [
      "lines without a limit takes a message up to its limit and refuses a larger one",
      "lines without a limit refuses a message over its limit before it is all there",
      "lines whose limit counts when they are whole refuses a message over its limit before it is all there",
      "lines searched from their start looks at each byte of a message a bounded number of times",
      "lines in upper case gives back any messages, however their bytes are cut",
      "lines that end with the stream decodes two lines, split at every byte",
      "lines that end with the stream takes no stream that is cut for a whole one",
      "lines that end with the stream gives back any messages, however their bytes are cut",
    ],
  );
  assert(
    failed.includes(
      "the rest of a stream decodes two lines, split at every byte",
    ),
  );
  assert(
    failed.includes("whole lines alone decodes two lines, split at every byte"),
  );
  assert(
    failed.includes(
      "frames that lose their head takes no stream that is cut for a whole one",
    ),
  );
  assert(
    passed.includes(
      "frames that lose their head gives back any messages, however their bytes are cut",
    ),
  );
  assert(passed.length > 10);
  assertStringIncludes(
    text,
    "end() has returned a message and consumed nothing",
  );
});

Deno.test("testTransport() fails connections that break a law, and names the law", async () => {
  const failing = [
    "close() that drops: close() loses nothing that was written",
    "abort() without its reason: abort() wakes a pending read with its reason",
    "abort() without its reason: abort() wakes pending writes with its reason",
    "a timer left behind: an empty write is not an end",
    "a rejection left behind: an empty write is not an end",
    "read() that ends where it fails: abort() wakes a read() and a write() with its reason",
    "plain streams: a BYOB read is served into its own buffer",
    "the end of reading ends writing: a half-close during 8 MiB loses no byte of them",
    "bytes out of order: bytes arrive as they were sent, and then the end",
  ];
  const passing = [
    "close() that drops: bytes arrive as they were sent, and then the end",
    "abort() without its reason: close() loses nothing that was written",
    "read() that ends where it fails: read() and write() carry a MiB each way at once, each to its end",
    "bytes out of order: an empty write is not an end",
  ];
  const { passed, failed, text } = await outcomes("broken_connections.ts", [
    ...failing,
    ...passing,
  ]);
  assertEquals(failed.toSorted(), failing.toSorted());
  assertEquals(passed.toSorted(), passing.toSorted());
  for (const name of failing) {
    const [, law] = name.split(": ");
    assertStringIncludes(text, `Expected that ${law}`);
  }
});

Deno.test("testTransport() ends a law that is stuck, and says what was expected", async () => {
  const { failed, text } = await outcomes("broken_connections.ts", [
    "read() that never settles: closeWrite() leaves reading as it is",
    "closed that never settles: an empty write is not an end",
  ]);
  assertEquals(failed.length, 2);
  for (
    const message of [
      "Expected that closeWrite() leaves reading as it is: not done after 5000 ms",
      "Expected that closed settles once everything is released: not done after 5000 ms",
    ]
  ) assertStringIncludes(text, message);
});

Deno.test("testTransport() reports laws that do not apply, and does not count them as held", async () => {
  const law =
    "a reader that stops stops the writer, and not the other direction";
  const { passed, failed, ignored, text } = await outcomes(
    "broken_connections.ts",
    [
      `no backpressure, as it says: ${law}`,
      "no backpressure, as it says: an empty write is not an end",
      "no backpressure, as it says: an address in use is refused, and named",
    ],
  );
  assertEquals(failed, []);
  assertEquals(passed.length, 1);
  assertEquals(ignored.length, 2);
  assertStringIncludes(
    text,
    "no backpressure, as it says: 1 laws held over 1 connections, 1 bytes checked; 15 laws not applicable",
  );
});
