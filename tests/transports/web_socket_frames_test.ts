// The rules of RFC 6455, by frames that keep or break them, in the order of
// the Autobahn suite: framing, pings, reserved bits, opcodes, fragments, UTF-8,
// closing, limits.
import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { concat } from "@std/bytes";
import { type Connection, memory, webSocket } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A client's frame; the mask is zeros, so the payload is unchanged. */
function frame(
  opcode: number,
  payload: Uint8Array | string = "",
  { fin = true, rsv = 0, masked = true } = {},
): Uint8Array {
  const content = typeof payload === "string" ? encode(payload) : payload;
  const { length } = content;
  const lengthBytes = length < 126
    ? [length]
    : length < 0x10000
    ? [126, length >> 8, length & 0xff]
    : [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((bits) => length >> bits & 0xff)];
  const [first = 0, ...more] = lengthBytes;
  return concat([
    Uint8Array.of((fin ? 0x80 : 0) | rsv << 4 | opcode),
    Uint8Array.of((masked ? 0x80 : 0) | first, ...more),
    new Uint8Array(masked ? 4 : 0),
    content,
  ]);
}

const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
const MORE = { fin: false };

/** The payload of a Close frame. */
function code(code: number, reason: string | Uint8Array = ""): Uint8Array {
  const text = typeof reason === "string" ? encode(reason) : reason;
  return concat([Uint8Array.of(code >> 8, code & 0xff), text]);
}

/** A client that writes raw frames, and the server's end. */
async function connect(): Promise<{ raw: Connection; server: Connection }> {
  const over = memory();
  await using listener = await webSocket({ url: "ws://x/", over }).listen();
  const raw = await over.connect();
  await raw.write(encode(
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  ));
  const server = await listener.accept();
  await raw.read(new Uint8Array(1000));
  return { raw, server };
}

/** The bytes that a server reads from frames, and the bytes that it sends back. */
async function exchange(frames: Uint8Array[]): Promise<{
  read: string;
  error: unknown;
  sent: Uint8Array;
}> {
  const { raw, server } = await connect();
  const writing = (async () => {
    for (const bytes of frames) await raw.write(bytes);
    await raw.closeWrite();
  })();
  writing.catch(() => {}); // The server has seen enough.
  let read = "";
  let error: unknown;
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(100_000);
  try {
    for (;;) {
      const count = await server.read(buffer);
      if (count === null) break;
      read += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (thrown) {
    error = thrown;
  }
  await server.close();
  const chunks: Uint8Array[] = [];
  for await (const chunk of raw.readable) chunks.push(chunk);
  await raw.close();
  return { read, error, sent: concat(chunks) };
}

/** The code of the last Close frame that a server has sent. */
function codeSent(sent: Uint8Array): number | undefined {
  for (let at = 0; at < sent.length;) {
    const length = sent[at + 1] ?? 0;
    if (sent[at] === (0x80 | CLOSE)) {
      return 256 * (sent[at + 2] ?? 0) + (sent[at + 3] ?? 0);
    }
    at += 2 + length;
  }
  return undefined;
}

const bye = frame(CLOSE, code(1000));
const kappa = encode("κόσμε");

const good: [name: string, frames: Uint8Array[], read: string][] = [
  ["an empty text", [frame(TEXT), bye], ""],
  ["a text of 125 bytes", [frame(TEXT, "x".repeat(125)), bye], "x".repeat(125)],
  ["a text of 126 bytes", [frame(TEXT, "x".repeat(126)), bye], "x".repeat(126)],
  [
    "a text of 65,535 bytes",
    [frame(TEXT, "x".repeat(65535)), bye],
    "x".repeat(65535),
  ],
  [
    "a text of 65,536 bytes",
    [frame(TEXT, "x".repeat(65536)), bye],
    "x".repeat(65536),
  ],
  ["bytes", [frame(BINARY, "abc"), bye], "abc"],
  ["a text in two frames", [
    frame(TEXT, "a", MORE),
    frame(CONTINUATION, "b"),
    bye,
  ], "ab"],
  ["a ping between two frames of a text", [
    frame(TEXT, "a", MORE),
    frame(PING),
    frame(CONTINUATION, "b"),
    bye,
  ], "ab"],
  [
    "an empty last frame",
    [frame(TEXT, "a", MORE), frame(CONTINUATION), bye],
    "a",
  ],
  [
    "an unsolicited pong",
    [frame(PONG, "x"), frame(TEXT, "a"), bye],
    "a",
  ],
  ["a character in two frames", [
    frame(TEXT, kappa.subarray(0, 3), MORE),
    frame(CONTINUATION, kappa.subarray(3)),
    bye,
  ], "κόσμε"],
  ["a Close frame without a code", [frame(TEXT, "a"), frame(CLOSE)], "a"],
  ["a Close frame with a reason", [frame(CLOSE, code(1000, "bye"))], ""],
  ["a Close frame that says going away", [frame(CLOSE, code(1001))], ""],
  ["frames after the Close frame, which are not read", [
    bye,
    frame(TEXT, "late"),
  ], ""],
];

for (const [name, frames, expected] of good) {
  for (const cut of ["whole", "byte by byte"]) {
    if (cut !== "whole" && concat(frames).length > 1000) continue;
    Deno.test(`RFC 6455, kept: ${name}, ${cut}`, async () => {
      const chunks = cut === "whole"
        ? frames
        : Array.from(concat(frames), (byte) => Uint8Array.of(byte));
      const { read, error, sent } = await exchange(chunks);
      assertEquals(error, undefined);
      assertEquals(read, expected);
      assertEquals(codeSent(sent), 1000);
    });
  }
}

const bad: [name: string, code: number, frames: Uint8Array[]][] = [
  ["a reserved bit", 1002, [frame(TEXT, "a", { rsv: 1 })]],
  ["all reserved bits on a ping", 1002, [frame(PING, "", { rsv: 7 })]],
  ["opcode 3", 1002, [frame(3)]],
  ["opcode 7", 1002, [frame(7)]],
  ["opcode 11", 1002, [frame(11)]],
  ["opcode 15", 1002, [frame(15)]],
  ["a ping of 126 bytes", 1002, [frame(PING, "x".repeat(126))]],
  ["a fragmented ping", 1002, [frame(PING, "a", MORE)]],
  ["a fragmented Close frame", 1002, [frame(CLOSE, "", MORE)]],
  ["a continuation of nothing", 1002, [frame(CONTINUATION, "a")]],
  ["a text within a text", 1002, [frame(TEXT, "a", MORE), frame(TEXT, "b")]],
  ["a frame that is not masked", 1002, [frame(TEXT, "a", { masked: false })]],
  ["a long form of a short length", 1002, [
    Uint8Array.of(0x81, 0xfe, 0, 5, 0, 0, 0, 0),
  ]],
  ["a length over 2^53", 1009, [
    Uint8Array.of(0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0),
  ]],
  ["a text that is not UTF-8", 1007, [frame(TEXT, Uint8Array.of(0xff))]],
  ["a text that ends within a character", 1007, [
    frame(TEXT, kappa.subarray(0, 1)),
  ]],
  ["a bad character in a second frame", 1007, [
    frame(TEXT, "a", MORE),
    frame(CONTINUATION, Uint8Array.of(0xc0, 0x80)),
  ]],
  ["a Close frame of one byte", 1002, [frame(CLOSE, "a")]],
  ["a Close frame with code 999", 1002, [frame(CLOSE, code(999))]],
  ["a Close frame with code 1005", 1002, [frame(CLOSE, code(1005))]],
  ["a Close frame with code 1006", 1002, [frame(CLOSE, code(1006))]],
  ["a Close frame with code 2999", 1002, [frame(CLOSE, code(2999))]],
  ["a Close frame with code 5000", 1002, [frame(CLOSE, code(5000))]],
  ["a reason that is not UTF-8", 1007, [
    frame(CLOSE, code(1000, Uint8Array.of(0xff))),
  ]],
];

for (const [name, expected, frames] of bad) {
  Deno.test(`RFC 6455, broken: ${name} ends the connection with ${expected}`, async () => {
    const { error, sent } = await exchange([
      frame(BINARY, "before"),
      ...frames,
    ]);
    assertStringIncludes(String(error), "Read from ws://x:80/: ");
    assertEquals(codeSent(sent), expected);
  });
}

Deno.test("a stream that ends without a Close frame is a cut", async () => {
  for (
    const frames of [[frame(TEXT, "a")], [frame(TEXT, "a", MORE)], [
      Uint8Array.of(0x81),
    ]]
  ) {
    const { error } = await exchange(frames);
    assertStringIncludes(String(error), "ended without a Close frame");
  }
});

Deno.test("a Close frame with an error's code is an error with the code and the reason", async () => {
  const { error } = await exchange([frame(CLOSE, code(1011, "disk\nfull"))]);
  assertStringIncludes(
    String(error),
    'the peer has closed with 1011 "disk\\nfull"',
  );
});

Deno.test("each ping is answered with its payload, or a later one", async () => {
  const { sent } = await exchange([frame(PING, "one"), bye]);
  assertEquals(
    sent.subarray(0, 5),
    concat([Uint8Array.of(0x80 | PONG, 3), encode("one")]),
  );
});

Deno.test("100,000 pings of a peer that does not read are answered by a bounded number of pongs", async () => {
  const { raw, server } = await connect();
  const pings = concat(
    Array.from({ length: 1000 }, () => frame(PING, "x".repeat(125))),
  );
  const reading = server.read(new Uint8Array(100));
  for (let i = 0; i < 100; i++) await raw.write(pings);
  const closing = server.close();
  let pongs = 0;
  for await (const chunk of raw.readable) pongs += chunk.length / 127;
  await closing;
  await reading;
  console.log(`${Math.ceil(pongs)} pongs for 100,000 pings`);
  // A memory connection holds 64 KiB; one is being written, one is the latest.
  assertLess(pongs, 65_536 / 127 + 3);
  await raw.close();
});

Deno.test("nothing is written after the Close frame that tells the peer of its mistake", async () => {
  const { raw, server } = await connect();
  await raw.write(frame(BINARY, "a", { masked: false }));
  const broken = await rejection(server.read(new Uint8Array(9)));
  assertStringIncludes(String(broken), "a client's frame is not masked");
  const refused = await rejection(server.write(Uint8Array.of(1, 2, 3)));
  assertStringIncludes(
    String(refused),
    "Write to ws://x:80/: a client's frame",
  );
  raw.closeWrite().catch(() => {});
  const sent = new Uint8Array(await new Response(raw.readable).arrayBuffer());
  assertEquals([sent[0], sent.length], [0x80 | CLOSE, 2 + (sent[1] ?? 0)]);
  server.abort();
  raw.abort();
});

Deno.test("a long write stops where a Close frame goes out", async () => {
  const { raw, server } = await connect();
  const writing = rejection(server.write(new Uint8Array(1_000_000)));
  await raw.write(frame(BINARY, "a", { masked: false }));
  await rejection(server.read(new Uint8Array(9)));
  const sent = new Uint8Array(await new Response(raw.readable).arrayBuffer());
  assertStringIncludes(String(await writing), "a client's frame is not masked");
  const text = new TextDecoder().decode(sent);
  assertStringIncludes(text.slice(-40), "a client's frame is not masked");
  server.abort();
  raw.abort();
});

Deno.test("with messages, a read without room for a header leaves the rest to the next", async () => {
  const over = memory();
  const transport = webSocket({ url: "ws://x/", over, messages: true });
  await using listener = await transport.listen();
  const [near, far] = await Promise.all([
    transport.connect(),
    listener.accept(),
  ]);
  await far.write(Uint8Array.of(0x82, 1, 65));
  const into = new Uint8Array(2);
  assertEquals([await near.read(into), ...into], [2, 0x82, 1]);
  assertEquals(await near.read(new Uint8Array(0)), 0);
  assertEquals([await near.read(into), into[0]], [1, 65]);
  await Promise.all([near.close(), far.close()]);
});
