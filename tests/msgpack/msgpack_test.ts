import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { msgpack, type MsgpackOptions } from "../../msgpack/mod.ts";
import {
  DecodeError,
  MessageTooLargeError,
  ReadBuffer,
  WriteBuffer,
} from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

testCodec("msgpack()", msgpack, {
  "a positive fixint": { input: bytes(0x07), messages: [7] },
  "a map in an array": {
    input: bytes(0x92, 0x81, 0xa1, 0x61, 0x01, 0xc3),
    messages: [[{ a: 1 }, true]],
  },
  "two values": { input: bytes(0xa2, 0x68, 0x69, 0xff), messages: ["hi", -1] },
  "bytes": { input: bytes(0xc4, 0x02, 0x01, 0x02), messages: [bytes(1, 2)] },
  "every width of an integer": {
    input: bytes(
      ...[0xcc, 0xc8, 0xcd, 0x01, 0x00, 0xce, 0x00, 0x01, 0x00, 0x00],
      ...[0xd0, 0x80, 0xd1, 0x80, 0x00, 0xd2, 0x80, 0x00, 0x00, 0x00],
      ...[
        0xcf,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0xd3,
        0xff,
        0xff,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
      ],
    ),
    messages: [200, 256, 65536, -128, -32768, -(2 ** 31), 2 ** 32, -(2 ** 32)],
  },
  "floats": {
    input: bytes(0xca, 0x3f, 0xc0, 0, 0, 0xcb, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0),
    messages: [1.5, -1.5],
  },
}, { sized: (size) => "x".repeat(Math.max(0, size - 5)) });

Deno.test("values with every size of header are decoded, whatever the chunks", () => {
  const values = [
    ..."x".repeat(3),
    "y".repeat(31),
    "y".repeat(32),
    "z".repeat(256),
    "z".repeat(70_000),
    Array.from({ length: 15 }, (_, i) => i),
    Array.from({ length: 16 }, (_, i) => i),
    Array.from({ length: 70_000 }, (_, i) => i % 128),
    Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, i])),
    Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, 0])),
    new Uint8Array(300).fill(7),
    new Uint8Array(70_000).fill(7),
    null,
    false,
    { nested: [{ deeper: [[[]]] }] },
  ];
  const codec = msgpack({ maxMessageBytes: Infinity });
  const output = new WriteBuffer();
  for (const value of values) codec.encode(value, output);
  const encoded = output.take();
  for (const chunk of [1, 7, 1000, encoded.length]) {
    const input = new ReadBuffer();
    const decoder = msgpack({ maxMessageBytes: Infinity });
    const found = [];
    for (let at = 0; at < encoded.length; at += chunk) {
      input.append(encoded.subarray(at, at + chunk));
      let value = decoder.decode(input);
      while (value !== undefined) {
        found.push(value);
        value = decoder.decode(input);
      }
    }
    assertEquals(found, values);
    assertEquals(input.length, 0);
  }
});

Deno.test("integers of 64 bits are exact with bigint", () => {
  const codec = msgpack({ bigint: true });
  const output = new WriteBuffer();
  codec.encode({ size: 2n ** 63n - 1n }, output);
  const input = new ReadBuffer();
  input.append(output.take());
  assertEquals(codec.decode(input), { size: 2n ** 63n - 1n });
});

for (
  const [name, header] of [
    ["a string", bytes(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ["bytes", bytes(0xc6, 0xff, 0xff, 0xff, 0xff)],
    ["an array", bytes(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ["a map", bytes(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ["an extension", bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 1)],
    ["an array of arrays", bytes(0xdc, 0x80, 0, 0xdc, 0x80, 0)],
  ] as const
) {
  Deno.test(`${name} that announces more than the limit is refused by its header`, () => {
    const input = new ReadBuffer();
    input.append(header);
    assertThrows(() => msgpack().decode(input), MessageTooLargeError);
  });
}

Deno.test("bytes that cannot become a value are refused, naming the offset", () => {
  for (
    const bad of [
      bytes(0xc1),
      bytes(0x92, 0x01, 0xc1),
      new Uint8Array(2000).fill(0x91), // Arrays in arrays.
      bytes(0x81, 0xc0, 0x01), // A key that is nil.
    ]
  ) {
    const input = new ReadBuffer();
    input.append(bytes(0x05));
    input.append(bad);
    const codec = msgpack();
    assertEquals(codec.decode(input), 5);
    const error = assertThrows(() => codec.decode(input), DecodeError);
    assertEquals(error.offset, 1);
  }
});

Deno.test("a value in chunks of one byte is scanned once", () => {
  let looked = 0;
  class Counting extends ReadBuffer {
    override at(position: number): number | undefined {
      looked++;
      return super.at(position);
    }
  }
  const output = new WriteBuffer();
  const value = Array.from({ length: 5000 }, () => [1, ["two"]]);
  msgpack().encode(value, output);
  const encoded = output.take();
  const input = new Counting();
  const codec = msgpack();
  let found: unknown;
  for (const byte of encoded) {
    input.append(bytes(byte));
    found = codec.decode(input);
  }
  assertEquals(found, value);
  console.log(`${looked} looks at ${encoded.length} bytes`);
  assertLess(looked, 4 * encoded.length);
  assert(looked > 0);
});

Deno.test("a value is encoded and decoded with 1,000 levels, and refused with one more", () => {
  const arrays = (depth: number) => {
    let value: unknown[] = [];
    while (--depth > 0) value = [value];
    return value;
  };
  const output = new WriteBuffer();
  msgpack().encode(arrays(1000), output);
  const input = new ReadBuffer();
  input.append(output.take());
  assertEquals(
    JSON.stringify(msgpack().decode(input)),
    "[".repeat(1000) + "]".repeat(1000),
  );
  assertThrows(() => msgpack().encode(arrays(1001), output), Error, "depth");
  const deeper = new ReadBuffer();
  deeper.append(bytes(...Array(1000).fill(0x91), 0x90));
  assertThrows(() => msgpack().decode(deeper), DecodeError, "deeper than 1000");
});

/** The value as it is after its way through the codec. */
function roundTrip(value: unknown, options?: MsgpackOptions): unknown {
  const output = new WriteBuffer();
  msgpack(options).encode(value, output);
  const input = new ReadBuffer();
  input.append(output.take());
  return msgpack(options).decode(input);
}

Deno.test("what has no form in MessagePack is refused by name, at any depth", () => {
  class Point {
    x = 1;
  }
  for (
    const [value, name] of [
      [new ArrayBuffer(2), "ArrayBuffer"],
      [new Map([[1, 2]]), "Map"],
      [new Set([1]), "Set"],
      [/x/, "RegExp"],
      [new Error("x"), "Error"],
      [Promise.resolve(), "Promise"],
      [new URL("a:b"), "URL"],
      [new Point(), "Point"],
      [Object(1), "Number"],
      [() => {}, "function"],
      [Symbol("x"), "symbol"],
      [1n, "bigint"],
    ] as const
  ) {
    for (const message of [value, [value], { deep: [{ value }] }]) {
      assertThrows(
        () => roundTrip(message),
        TypeError,
        `Cannot encode: the message has a ${name} in it`,
      );
    }
  }
});

Deno.test("a Date without a time, and a bigint that 64 bits do not hold, are refused", () => {
  for (
    const value of [new Date(NaN), 2n ** 64n, -(2n ** 63n) - 1n]
  ) {
    for (const message of [value, [1, value], { deep: { value } }]) {
      assertThrows(
        () => roundTrip(message, { bigint: true }),
        RangeError,
        "Cannot encode: the message has ",
      );
    }
  }
  const largest = [2n ** 64n - 1n, -(2n ** 63n)];
  assertEquals(roundTrip(largest, { bigint: true }), largest);
});

Deno.test("plain objects are maps, views are bytes, and a Date is a timestamp", () => {
  const none = Object.assign(Object.create(null), { a: 1 });
  const { buffer } = bytes(1, 2, 3, 4);
  const date = new Date(-1.5e12);
  assertEquals(
    roundTrip([none, new DataView(buffer, 1, 2), new Uint16Array(buffer)]),
    [{ a: 1 }, bytes(2, 3), bytes(1, 2, 3, 4)],
  );
  assertEquals(roundTrip([date, undefined]), [date, null]);
});

Deno.test("the key __proto__ is data as any other key, in its place, and no prototype", () => {
  const text = '{"a":[{"b":1,"__proto__":{"polluted":1},"c":2}]}';
  const decoded = roundTrip(JSON.parse(text)) as { a: [object] };
  assertEquals(JSON.stringify(decoded), text);
  const [map] = decoded.a;
  assertEquals(Object.getPrototypeOf(map), Object.prototype);
  assertEquals("polluted" in map, false);
});

Deno.test("a string that is not UTF-8 becomes U+FFFD, and takes no bytes behind it", () => {
  const input = new ReadBuffer();
  // A sequence that is cut, one that is too long for its character, a BOM.
  input.append(bytes(0x92, 0xa1, 0xe2, 0xa2, 0xc0, 0xaf));
  input.append(bytes(0xa3, 0xef, 0xbb, 0xbf));
  assertEquals(msgpack().decode(input), ["\ufffd", "\ufffd\ufffd"]);
  assertEquals(msgpack().decode(input), "\ufeff");
});
