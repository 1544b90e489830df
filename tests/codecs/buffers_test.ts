import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import {
  type Codec,
  DecodeError,
  lines,
  MessageTooLargeError,
  ReadBuffer,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { bytes } from "../../testing/_codec_checks/decoding.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Fills the buffer's space. */
function read(input: ReadBuffer, content: Uint8Array): number {
  const space = input.space();
  const count = Math.min(space.length, content.length);
  space.set(content.subarray(0, count));
  return input.fill(count);
}

/** The size of the memory behind the buffer. */
function capacity(input: ReadBuffer): number {
  return input.subarray().buffer.byteLength;
}

Deno.test("ReadBuffer returns the bytes that were put in, in any order of calls", () => {
  const step = fc.oneof(
    fc.record({ append: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ read: fc.uint8Array({ maxLength: 9000, minLength: 1 }) }),
    fc.record({ consume: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const input = new ReadBuffer();
    let expected: number[] = [];
    let offset = 0;
    for (const step of steps) {
      if ("append" in step) {
        input.append(step.append);
        expected.push(...step.append);
      } else if ("read" in step) {
        const count = read(input, step.read);
        expected.push(...step.read.subarray(0, count));
      } else {
        const count = Math.floor(step.consume * expected.length);
        input.consume(count);
        expected = expected.slice(count);
        offset += count;
      }
      assertEquals(input.subarray(), Uint8Array.from(expected));
      assertEquals(input.length, expected.length);
      assertEquals(input.offset, offset);
    }
  }));
});

Deno.test("ReadBuffer finds, views and copies bytes by their position", () => {
  const input = new ReadBuffer();
  input.append(bytes("abcabc"));
  input.consume(1);
  assertEquals([input.at(0), input.at(4), input.at(5)], [98, 99, undefined]);
  const found = [input.indexOf(98), input.indexOf(98, 1), input.indexOf(98, 4)];
  assertEquals(found, [0, 3, -1]);
  assertEquals(input.subarray(1, 9), bytes("cabc"));
  assertEquals(input.take(4, 1, 3), bytes("ca"));
  assertEquals([input.length, input.offset], [1, 5]);
});

Deno.test("ReadBuffer shows no byte that has been consumed", () => {
  const input = new ReadBuffer();
  input.append(bytes("abcab"));
  input.consume(3);
  assertEquals([input.at(-1), input.at(-3)], [undefined, undefined]);
  assertEquals(input.indexOf(bytes("b")[0] ?? 0, -2), 1);
  assertEquals(input.subarray(-2), bytes("ab"));
  assertEquals(input.subarray(0, -1), bytes(""));
  assertEquals(input.varint(-1), undefined);
});

Deno.test("ReadBuffer refuses to consume more bytes than it has, or no number of bytes", () => {
  const input = new ReadBuffer();
  input.append(bytes("abc"));
  assertThrows(
    () => input.consume(4),
    RangeError,
    "Cannot consume: count is 4, the input has 3 bytes",
  );
  for (const count of [-1, 1.5, NaN]) {
    assertThrows(() => input.consume(count), RangeError, `count is ${count}`);
    assertThrows(() => input.take(count), RangeError, `count is ${count}`);
  }
  assertEquals([input.length, input.offset], [3, 0]);
});

Deno.test("ReadBuffer reads more at once while reads fill its space", () => {
  const input = new ReadBuffer();
  const sizes = Array.from({ length: 10 }, () => {
    const size = read(input, new Uint8Array(MIB));
    input.consume(size);
    return size / KIB;
  });
  assertEquals(sizes, [1, 8, 64, 64, 64, 64, 64, 64, 64, 64]);
});

Deno.test("ReadBuffer stays small for a peer that sends little", () => {
  const input = new ReadBuffer();
  for (let i = 0; i < 1000; i++) {
    input.consume(read(input, new Uint8Array(100)));
    assertEquals(input.space().buffer.byteLength, KIB);
  }
});

Deno.test("ReadBuffer copies a large message a bounded number of times, also byte by byte", () => {
  const input = new ReadBuffer();
  const byte = new Uint8Array(1);
  const seen = new Set<ArrayBufferLike>();
  let moved = 0;
  for (let i = 0; i < MIB; i++) {
    input.append(byte);
    const { buffer } = input.subarray();
    if (!seen.has(buffer)) moved += i;
    seen.add(buffer);
  }
  assert(moved <= 2 * MIB, `${moved} bytes were moved`);
  assert(capacity(input) <= 4 * MIB);
});

Deno.test("ReadBuffer releases memory after a huge message", () => {
  const input = new ReadBuffer();
  const fill = (size: number) => {
    for (let left = size; left > 0;) left -= read(input, new Uint8Array(left));
  };
  fill(64 * MIB);
  input.consume(64 * MIB - 10);
  assert(input.space().buffer.byteLength <= KIB);
  assertEquals(input.length, 10);
  input.consume(10);
  fill(MIB);
  input.consume(MIB);
  for (let i = 0; i < 1000; i++) {
    input.consume(read(input, new Uint8Array(100)));
  }
  assert(input.space().buffer.byteLength <= 32 * KIB);
});

Deno.test("ReadBuffer keeps its memory from one large message to the next", () => {
  const input = new ReadBuffer();
  const buffers: number[] = [];
  for (let message = 0; message < 10; message++) {
    for (let left = MIB; left > 0;) left -= read(input, new Uint8Array(left));
    buffers.push(capacity(input));
    input.consume(MIB);
  }
  assertEquals(new Set(buffers.slice(1)).size, 1);
});

Deno.test("ReadBuffer's taken bytes do not change with later input, small or large", () => {
  for (const size of [10, MIB]) {
    const input = new ReadBuffer();
    const kept: Uint8Array[] = [];
    for (let value = 0; value < 4; value++) {
      input.append(new Uint8Array(size).fill(value));
      input.append(new Uint8Array(size).fill(value));
      kept.push(input.take(size), input.take(size));
    }
    const first = kept.map((bytes) => bytes[0]);
    assertEquals(first, [0, 0, 1, 1, 2, 2, 3, 3]);
    assert(kept.every((bytes) => bytes.every((byte) => byte === bytes[0])));
  }
});

Deno.test("ReadBuffer makes room for an expected message, once a thirty-second of it is there", () => {
  const input = new ReadBuffer();
  const size = MIB + 100;
  let left = size;
  const sizes = new Set<number>();
  while (left > 0) {
    input.expect(size);
    left -= read(input, new Uint8Array(Math.min(left, 1000)));
    sizes.add(capacity(input));
    if (size - left < size / 32) assert(capacity(input) < size);
  }
  assertEquals(capacity(input), size);
  assert(sizes.size <= 10);
  assertEquals(input.take(size).buffer.byteLength, size);
  assert(input.space().buffer.byteLength <= 128 * KIB);
});

Deno.test("ReadBuffer tells whether an expected message is all there, and refuses one over the limit", () => {
  const input = new ReadBuffer();
  input.append(bytes("abcd"));
  input.consume(1);
  assertEquals([input.expect(3), input.expect(4)], [true, false]);
  assertEquals([input.expect(3, 3), input.expect(4, 4)], [true, false]);
  const error = assertThrows(() => input.expect(4, 3), MessageTooLargeError);
  assertEquals([error.limit, error.offset], [3, 1]);
  assertEquals(input.take(3), bytes("bcd"));
});

Deno.test("ReadBuffer makes the error for bytes that are not a message", () => {
  const input = new ReadBuffer();
  input.append(bytes("OK\nHTTP/1.1"));
  input.consume(3);
  const cause = new Error("no version");
  const error = input.malformed("Message is not SMTP", cause);
  assertInstanceOf(error, DecodeError);
  assertEquals([error.offset, error.cause], [3, cause]);
  assertEquals(error.message, 'Message is not SMTP at offset 3: "HTTP/1.1"');
  assertEquals("cause" in input.malformed("Message is not SMTP"), false);
});

Deno.test("WriteBuffer returns the bytes that were put in, however many are taken at once", () => {
  const step = fc.oneof(
    fc.record({ text: fc.string({ unit: "binary", maxLength: 200 }) }),
    fc.record({ bytes: fc.uint8Array({ maxLength: 6000 }) }),
    fc.record({ byte: fc.nat(255) }),
    fc.record({ take: fc.oneof(fc.constant(Infinity), fc.nat(5000)) }),
    fc.record({ giveBack: fc.constant(true) }),
    fc.record({ fail: fc.array(fc.oneof(fc.string(), fc.nat(255))) }),
  );
  const steps = fc.array(fc.tuple(step, fc.boolean()), { maxLength: 40 });
  fc.assert(fc.property(steps, (steps) => {
    const output = new WriteBuffer();
    let expected: number[] = [];
    const held: [Uint8Array<ArrayBuffer>, Uint8Array][] = [];
    for (const [step, ask] of steps) {
      if ("text" in step) {
        output.text(step.text);
        expected.push(...bytes(step.text));
      } else if ("bytes" in step) {
        output.bytes(step.bytes);
        expected.push(...step.bytes);
      } else if ("byte" in step) {
        output.byte(step.byte);
        expected.push(step.byte);
      } else if ("take" in step) {
        const taken = output.take(step.take);
        held.push([taken, taken.slice()]);
        assertEquals(taken, Uint8Array.from(expected.slice(0, step.take)));
        expected = expected.slice(taken.length);
      } else if ("giveBack" in step) {
        output.giveBack();
        held.splice(0);
      } else {
        const codec: Codec<unknown> = {
          decode: () => undefined,
          encode(_, output: WriteBuffer) {
            for (const part of step.fail) {
              if (typeof part === "string") output.text(part);
              else output.bytes(new Uint8Array(part));
              output.split();
            }
            throw new Error("In the middle");
          },
        };
        assertThrows(() => output.encode(codec, 0), Error, "In the middle");
      }
      assert(output.leastLength <= expected.length);
      assertEquals(output.leastLength === 0, expected.length === 0);
      if (ask) assertEquals(output.length, expected.length);
    }
    assertEquals(output.take(), Uint8Array.from(expected));
    for (const [view, copy] of held) assertEquals(view, copy);
  }));
});

Deno.test("WriteBuffer refuses what is not bytes, and goes on", () => {
  const buffer = new WriteBuffer();
  for (const wrong of [{}, [1], new Uint16Array(1), undefined]) {
    assertThrows(() => buffer.bytes(wrong as never), TypeError, "Uint8Array");
  }
  buffer.bytes(Uint8Array.of(7));
  assertEquals(buffer.take(), Uint8Array.of(7));
});

Deno.test("WriteBuffer appends the low 8 bits of a byte, behind text and behind bytes", () => {
  for (const value of [0, 0x7f, 0x80, 0xff, 0x100, 0x141, -1, ~0x41]) {
    for (const before of ["", "a"]) {
      const output = new WriteBuffer();
      output.text(before);
      output.byte(value);
      const expected = [...new TextEncoder().encode(before), value & 0xff];
      assertEquals([...output.take()], expected, `${before} ${value}`);
    }
  }
});

Deno.test("WriteBuffer ends a write at a split, and only if bytes precede it", () => {
  const output = new WriteBuffer();
  output.split();
  output.text("one");
  output.split();
  output.split();
  output.text("two");
  output.text("x".repeat(10_000));
  output.split();
  const writes: string[] = [];
  while (output.length > 0) {
    writes.push(new TextDecoder().decode(output.take(10_000)));
  }
  assertEquals(writes, ["one", "two" + "x".repeat(9997), "xxx"]);
});

Deno.test("WriteBuffer encodes the texts of many messages at once", () => {
  const { encodeInto } = TextEncoder.prototype;
  let calls = 0;
  TextEncoder.prototype.encodeInto = function (text, bytes) {
    calls++;
    return encodeInto.call(this, text, bytes);
  };
  try {
    const output = new WriteBuffer();
    const codec = lines();
    for (let i = 0; i < 100; i++) output.encode(codec, "0123456789");
    output.encode(codec, "é");
    assertEquals([output.leastLength, calls], [1102, 0]);
    assertEquals([output.length, calls], [1103, 1]);
  } finally {
    TextEncoder.prototype.encodeInto = encodeInto;
  }
});

Deno.test("WriteBuffer reuses memory that is given back, and keeps no large memory when it is empty", () => {
  const output = new WriteBuffer();
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 100; i++) {
    output.text("x".repeat(60 * KIB));
    const taken = output.take();
    buffers.add(taken.buffer);
    output.text("behind");
    output.giveBack();
  }
  assertEquals(buffers.size, 1);
  output.take();
  output.giveBack();
  output.text("x".repeat(60 * KIB));
  assert(!buffers.has(output.take().buffer));
});

Deno.test("WriteBuffer takes little memory for many small messages", () => {
  const output = new WriteBuffer();
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1000; i++) {
    output.text("0123456789");
    buffers.add(output.take().buffer);
  }
  assertEquals(buffers.size, Math.ceil(10_000 / (4 * KIB)));
});

Deno.test("WriteBuffer does not double the memory of a huge text", () => {
  const output = new WriteBuffer();
  output.text("x".repeat(8 * MIB));
  output.byte(10);
  assert(output.take().buffer.byteLength < 9 * MIB);
});
