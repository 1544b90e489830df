import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { toText } from "@std/streams";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  scriptedPeer,
  ScriptError,
  type ScriptStep,
} from "../../testing/mod.ts";
import type { Connection } from "../../transports/mod.ts";
import { turns } from "../support/turns.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function say(connection: Connection, text: string): Promise<void> {
  const writer = connection.writable.getWriter();
  await writer.write(encode(text));
  writer.releaseLock();
}

/** The error of a script when the other end does this. */
async function failure(
  script: ScriptStep[],
  act: (connection: Connection) => Promise<unknown>,
): Promise<ScriptError> {
  const peer = scriptedPeer(script);
  const acted = act(peer.connection);
  acted.catch(() => {});
  const error = await rejection(peer.done);
  assertInstanceOf(error, ScriptError);
  await acted.catch(() => {});
  assertEquals(await rejection(peer[Symbol.asyncDispose]()), error);
  return error;
}

Deno.test("scriptedPeer() follows a script to its end", async () => {
  const opened = Promise.withResolvers<void>();
  const peer = scriptedPeer([
    { send: "hello\n" },
    { expect: "ab" },
    { expect: Uint8Array.of(99, 10) },
    { wait: () => opened.promise },
    { send: encode("bye\n") },
    "half-close",
    { expect: "d" },
    "expect end",
  ]);
  const { connection } = peer;
  const received = toText(connection.readable);
  await say(connection, "a");
  await say(connection, "bc\n");
  opened.resolve();
  assertEquals(await received, "hello\nbye\n");
  await say(connection, "d");
  await connection.close();
  await peer.done;
  await peer[Symbol.asyncDispose]();
});

Deno.test("scriptedPeer() sends nothing after a step that is not done", async () => {
  const peer = scriptedPeer([{ expect: "ab" }, { send: "!" }]);
  const reader = peer.connection.readable.getReader();
  let answered = false;
  const answer = reader.read().then(({ value }) => {
    answered = true;
    return value;
  });
  await say(peer.connection, "a");
  await turns();
  assert(!answered);
  await say(peer.connection, "b");
  assertEquals(await answer, encode("!"));
  await peer[Symbol.asyncDispose]();
});

Deno.test("a reset at the end of a script fails the other end's read", async () => {
  const peer = scriptedPeer([{ expect: "a" }, "reset"]);
  await say(peer.connection, "a");
  assertInstanceOf(
    await rejection(peer.connection.readable.getReader().read()),
    Deno.errors.ConnectionReset,
  );
  await peer.done;
  await peer[Symbol.asyncDispose]();
});

Deno.test("a script fails at once on unexpected bytes, with the step, the expected and the actual bytes", async () => {
  const long = "x".repeat(100);
  const cases: [
    ScriptStep[],
    (connection: Connection) => Promise<unknown>,
    string,
    number,
  ][] = [
    [
      [{ expect: "one\n" }, { expect: "two\n" }],
      (connection) => say(connection, "one\ntwe and more\n"),
      'Step 2 of 2: expected "two\\n", got "twe "',
      2,
    ],
    [
      [{ expect: "a long line\n" }],
      (connection) => say(connection, "an"),
      'Step 1 of 1: expected "a long line\\n", got "an"',
      1,
    ],
    [
      [{ expect: "one\n" }],
      async (connection) => {
        await say(connection, "on");
        await connection.close();
      },
      'Step 1 of 1: expected "one\\n", got "on" and then the end',
      1,
    ],
    [
      [{ expect: "one\n" }],
      // deno-lint-ignore require-await
      async (connection) => connection.abort(),
      'Step 1 of 1: expected "one\\n", got "" and then ConnectionReset: Read from memory:scripted-peer: the peer has reset the connection',
      1,
    ],
    [
      [{ expect: long + "1" + long }],
      (connection) => say(connection, long + "2" + long),
      `Step 1 of 1: expected …"${"x".repeat(20)}1${"x".repeat(59)}"…, got …"${
        "x".repeat(20)
      }2${"x".repeat(59)}"…`,
      1,
    ],
    [
      [{ expect: Uint8Array.of(1, 255) }],
      (connection) => say(connection, "ab"),
      'Step 1 of 1: expected [1, 255], got "ab"',
      1,
    ],
    [
      [{ expect: "a" }, "expect end"],
      (connection) => say(connection, "ab"),
      'Step 2 of 2: expected the end, got "b"',
      2,
    ],
    [
      [{ expect: "a" }],
      (connection) => say(connection, "ab"),
      'After the last step: expected the end, got "b"',
      2,
    ],
    [
      [{ wait: () => Promise.reject(new Error("no")) }],
      () => Promise.resolve(),
      "Step 1 of 1: a wait failed: no",
      1,
    ],
  ];
  for (const [script, act, message, step] of cases) {
    const error = await failure(script, act);
    assertEquals([error.message, error.step], [message, step]);
  }
});

Deno.test("disposing of a peer whose script has not ended is an error, and does not hang", async () => {
  for (
    const [script, message] of [
      [
        [{ expect: "a" }],
        'Step 1 of 1: expected "a", got "" and then the end',
      ],
      [
        [{ wait: () => new Promise(() => {}) }],
        "Step 1 of 1: a wait failed: the other end was disposed of",
      ],
      [
        [{ send: new Uint8Array(1_000_000) }],
        'Step 1 of 1: "' + "\\u0000".repeat(80) +
        '"… failed: Write to memory:scripted-peer: the peer has stopped reading',
      ],
    ] as [ScriptStep[], string][]
  ) {
    const error = await rejection((async () => {
      await using _peer = scriptedPeer(script);
    })());
    assertInstanceOf(error, ScriptError);
    assertEquals(error.message, message);
  }
});

Deno.test("a script that fails before it is awaited is not an unhandled rejection", async () => {
  const peer = scriptedPeer([{ expect: "a" }]);
  await say(peer.connection, "b");
  await new Promise((resolve) => setTimeout(resolve));
  assertInstanceOf(await rejection(peer.done), ScriptError);
  await peer.connection.close();
});
