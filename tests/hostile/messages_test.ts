import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
} from "@std/assert";
import { equals } from "@std/bytes";
import {
  type Codec,
  contentLength,
  DecodeError,
  delimited,
  jsonLines,
  jsonValues,
  lengthPrefixed,
  lines,
  MessageTooLargeError,
  netstrings,
} from "../../protocol/mod.ts";
import { readExactly } from "../../testing/_util/bytes.ts";
import {
  attackServer,
  causeOfEnd,
} from "../support/protocol/attacked_server.ts";

const KIB = 1024;
const encode = (text: string) => new TextEncoder().encode(text);

let attacks = 0;
let mostTaken = 0;
Deno.test.afterAll(() =>
  console.log(`${attacks} attacks: at most ${mostTaken} bytes taken of one`)
);

/** The bytes that a hostile peer sends first, and those that it repeats. */
interface Attack<T> {
  codec: () => Codec<T>;
  question: T;
  first?: string | Uint8Array;
  again?: string | Uint8Array;
  /** What the session ends with. */
  error: [abstract new (...args: never[]) => Error, RegExp];
}

const CHUNK = 16 * KIB;
/** The bytes that a patient sender sends of an endless message. */
const PATIENCE = 64 * KIB * KIB;
/** The limit of a message, and the bytes of one read beyond it. */
const MAX_TAKEN = 64 * KIB + 128 * KIB;

function withstands<T>(name: string, attack: Attack<T>): void {
  Deno.test(`${name}: a clear error after few bytes, and others are served`, async () => {
    const { codec, question, first = "", again = "", error } = attack;
    await using place = await attackServer(codec, question);
    const { hostile, session } = await place.connect();
    const bytes = (part: string | Uint8Array) =>
      typeof part === "string" ? encode(part) : part;
    const unit = bytes(again);
    const chunk = new Uint8Array(CHUNK);
    for (let at = 0; unit.length > 0 && at < CHUNK; at += unit.length) {
      chunk.set(unit.subarray(0, CHUNK - at), at);
    }
    const writer = hostile.writable.getWriter();
    let offered = 0;
    try {
      await writer.write(bytes(first));
      while (unit.length > 0 && offered < PATIENCE) {
        await place.serves();
        await writer.write(chunk);
        offered += chunk.length;
      }
    } catch {
      // It is disconnected.
    }
    const cause = await causeOfEnd(session);
    const [ErrorClass, message] = error;
    assertInstanceOf(cause, ErrorClass);
    assertMatch(cause.message, message);
    await place.serves();
    const { bytesReceived } = session.stats;
    assertLess(bytesReceived, MAX_TAKEN);
    attacks++;
    mostTaken = Math.max(mostTaken, bytesReceived);
    hostile.abort();
  });
}

const tooLarge: Attack<unknown>["error"] = [
  MessageTooLargeError,
  /^Message at offset 0 is larger than the limit: maxMessageBytes is 65536$/,
];
const question = { id: 1 };
const frame = encode("frame");

withstands("a line that never ends", {
  codec: lines,
  question: "?",
  again: "x",
  error: tooLarge,
});
withstands("a line of JSON that never ends", {
  codec: jsonLines,
  question,
  first: '{"',
  again: "x",
  error: tooLarge,
});
withstands("an array of JSON that never ends", {
  codec: jsonValues,
  question,
  first: "[0",
  again: ",0\n",
  error: tooLarge,
});
withstands("a number of JSON that never ends", {
  codec: jsonValues,
  question,
  again: "1",
  error: tooLarge,
});
withstands("a frame whose delimiter never comes", {
  codec: () => delimited("\r\n"),
  question: frame,
  again: "\r",
  error: tooLarge,
});
withstands("a netstring whose length never ends", {
  codec: netstrings,
  question: frame,
  again: "1",
  error: tooLarge,
});
withstands("a header of 1 GiB", {
  codec: contentLength,
  question: frame,
  first: "X: ",
  again: "x",
  error: [MessageTooLargeError, /the size of a header is 4096$/],
});
withstands("a header of fields that never end", {
  codec: contentLength,
  question: frame,
  again: "X: y\r\n",
  error: [MessageTooLargeError, /the size of a header is 4096$/],
});
withstands("a binary length of 2^63", {
  codec: () => lengthPrefixed({ lengthFieldLength: 8 }),
  question: frame,
  first: Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0),
  error: tooLarge,
});
withstands("a length in a varint of 2^32 - 1", {
  codec: () => lengthPrefixed({ lengthFieldLength: "varint" }),
  question: frame,
  first: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  error: tooLarge,
});
withstands("a length in a varint that never ends", {
  codec: () => lengthPrefixed({ lengthFieldLength: "varint" }),
  question: frame,
  again: Uint8Array.of(0x80),
  error: [DecodeError, /^Varint has more than 10 bytes at offset 0/],
});
withstands("a line that never ends in CR LF", {
  codec: () => lines({ newline: "\r\n" }),
  question: "?",
  again: "x\r",
  error: tooLarge,
});
withstands("lines that are not JSON, where bad messages are skipped", {
  codec: () => jsonLines({ badMessages: "skip" }),
  question,
  again: "x\n",
  error: [DecodeError, /^Message is not JSON at offset 2000/],
});
withstands("a Content-Length of 2^63", {
  codec: contentLength,
  question: frame,
  first: `Content-Length: ${2n ** 63n}\r\n\r\n`,
  error: tooLarge,
});
withstands("a netstring of 2^63 bytes", {
  codec: netstrings,
  question: frame,
  first: `${2n ** 63n}:`,
  error: tooLarge,
});
for (
  const [name, bytes, reason] of [
    ["an overlong encoding", [0x22, 0xc0, 0xaf, 0x22, 0x0a], "is not UTF-8"],
    [
      "an encoded surrogate",
      [0x22, 0xed, 0xa0, 0x80, 0x22, 0x0a],
      "is not UTF-8",
    ],
    ["a byte 0xFF", [0xff, 0x0a], "is not (UTF-8|JSON)"],
    ["NUL in a string", [0x22, 0, 0x22, 0x0a], "is not JSON"],
    ["NUL between texts", [0x0a, 0, 0x0a], "is not JSON"],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x31, 0x0a], "is not JSON"],
  ] as const
) {
  for (const codec of [jsonLines, jsonValues]) {
    withstands(`${name} to ${codec.name}()`, {
      codec,
      question,
      first: Uint8Array.from(bytes),
      error: [DecodeError, RegExp(`^Message ${reason} at offset [01]: "`)],
    });
  }
}

for (const codec of [jsonLines, jsonValues]) {
  Deno.test(`32 MiB of blanks to ${codec.name}(): they are dropped, and the message behind them is served`, async () => {
    await using place = await attackServer<unknown>(codec, question);
    const { hostile, session } = await place.connect();
    const reader = hostile.readable.getReader();
    const writer = hostile.writable.getWriter();
    const before = Deno.memoryUsage();
    const blanks = encode(" \n".repeat(CHUNK / 2));
    for (let sent = 0; sent < 32 * KIB * KIB; sent += CHUNK) {
      await writer.write(blanks);
    }
    await writer.write(encode("[1]\n"));
    assertEquals((await reader.read()).value, encode("[1]\n"));
    const after = Deno.memoryUsage();
    assertLess(after.external - before.external, 16 * KIB * KIB);
    assertEquals(session.stats.bytesReceived, 32 * KIB * KIB + 4);
    await place.serves();
    await hostile.close();
  });
}

Deno.test("members named __proto__ and duplicate names: nothing is polluted, the last one counts", async () => {
  for (const codec of [jsonLines, jsonValues]) {
    await using place = await attackServer<unknown>(codec, question);
    const { hostile } = await place.connect();
    await hostile.writable.getWriter().write(
      encode('{"__proto__":{"polluted":1},"constructor":2,"a":3,"a":4}\n'),
    );
    const { value } = await hostile.readable.getReader().read();
    assertEquals(
      new TextDecoder().decode(value),
      '{"__proto__":{"polluted":1},"constructor":2,"a":4}\n',
    );
    assertEquals(Reflect.get({}, "polluted"), undefined);
    await place.serves();
    await hostile.close();
  }
});

Deno.test("lone surrogates and NUL, escaped: they come back as they were", async () => {
  for (const codec of [jsonLines, jsonValues]) {
    await using place = await attackServer<unknown>(codec, question);
    const { hostile } = await place.connect();
    const text = '["\\ud800","\\udc00\\ud800","\\u0000"]\n';
    await hostile.writable.getWriter().write(encode(text));
    const { value } = await hostile.readable.getReader().read();
    assertEquals(new TextDecoder().decode(value), text);
    await place.serves();
    await hostile.close();
  }
});

Deno.test("JSON nested a million deep with a number of 16 digits: it is answered, and others are served", async () => {
  const nested = encode(
    "[".repeat(1_000_000) + "1234567890123456" + "]".repeat(1_000_000) + "\n",
  );
  const maxMessageBytes = 4 * KIB * KIB;
  for (const create of [jsonLines, jsonValues]) {
    for (const bigint of [false, true]) {
      const codec = () => create({ maxMessageBytes, bigint });
      await using place = await attackServer<unknown>(codec, question);
      const { hostile } = await place.connect();
      const reader = hostile.readable.getReader({ mode: "byob" });
      await hostile.writable.getWriter().write(nested);
      assert(equals(await readExactly(reader, nested.length), nested));
      await place.serves();
      hostile.abort();
    }
  }
});

Deno.test("10 million tiny messages: each is received, in 64 MiB", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "flood.ts", "10000000"],
    cwd: new URL(".", import.meta.url),
    stderr: "inherit",
  }).output();
  assertEquals(success, true);
  const { messages, mib } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(messages, 10_000_000);
  assertLess(mib, 64);
  console.log(`${messages} messages heard, ${mib} MiB more at the most`);
});
