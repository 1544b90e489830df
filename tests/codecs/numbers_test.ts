/** Tests of the numbers of `CodecInput` and `CodecOutput`: `_util/numbers.ts`. */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type CodecInput,
  type CodecOutput,
  DecodeError,
  type Endianness,
  ReadBuffer,
  WriteBuffer,
} from "../../protocol/mod.ts";
import { bytes } from "../../testing/_codec_checks/decoding.ts";

function inputOf(content: Iterable<number>): ReadBuffer {
  const input = new ReadBuffer();
  // The front is not the first byte of the memory.
  input.append(bytes([0xaa, ...content]));
  input.consume(1);
  return input;
}

function written(write: (output: CodecOutput) => void): Uint8Array {
  const output = new WriteBuffer();
  write(output);
  return output.take();
}

const endianness = fc.constantFrom<Endianness>("big", "little");

Deno.test("uint() and int() read the same as DataView, and read written values back", () => {
  const getters: Record<number, ["Uint" | "Int", string][]> = {
    1: [["Uint", "getUint8"], ["Int", "getInt8"]],
    2: [["Uint", "getUint16"], ["Int", "getInt16"]],
    4: [["Uint", "getUint32"], ["Int", "getInt32"]],
    8: [["Uint", "getBigUint64"], ["Int", "getBigInt64"]],
  };
  const content = fc.uint8Array({ minLength: 9, maxLength: 9 });
  fc.assert(fc.property(content, endianness, (content, endianness) => {
    const view = new DataView(content.buffer);
    for (const [size, pairs] of Object.entries(getters)) {
      for (const [kind, getter] of pairs) {
        const get = Reflect.get(view, getter) as (
          position: number,
          littleEndian: boolean,
        ) => number | bigint;
        const expected = get.call(view, 1, endianness === "little");
        const input = inputOf(content);
        const value = kind === "Uint"
          ? input.uint(1, Number(size), endianness)
          : input.int(1, Number(size), endianness);
        assertEquals(value, expected);
        const output = written((output) =>
          kind === "Uint"
            ? output.uint(value, Number(size), endianness)
            : output.int(value, Number(size), endianness)
        );
        assertEquals(output, content.subarray(1, 1 + Number(size)));
      }
    }
  }));
});

Deno.test("integers of 3, 5, 6 and 7 bytes are read and written, signed and unsigned", () => {
  assertEquals(inputOf([1, 2, 3]).uint(0, 3), 0x010203);
  assertEquals(inputOf([1, 2, 3]).uint(0, 3, "little"), 0x030201);
  assertEquals(inputOf([0xff, 0xff, 0xfe]).int(0, 3), -2);
  assertEquals(inputOf([0xfe, 0xff, 0xff]).int(0, 3, "little"), -2);
  assertEquals(inputOf([1, 0, 0, 0, 0]).uint(0, 5), 2 ** 32);
  assertEquals(inputOf(Array(6).fill(0xff)).uint(0, 6), 2 ** 48 - 1);
  assertEquals(inputOf(Array(6).fill(0xff)).int(0, 6), -1);
  assertEquals(inputOf(Array(7).fill(0xff)).uint(0, 7), 2n ** 56n - 1n);
  assertEquals(inputOf(Array(7).fill(0xff)).int(0, 7), -1n);
  const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const size = fc.integer({ min: 1, max: 8 });
  fc.assert(fc.property(integer, size, endianness, (value, size, order) => {
    const signed = BigInt.asIntN(8 * size, value);
    const unsigned = BigInt.asUintN(8 * size, value);
    const input = inputOf([
      ...written((output) => output.int(signed, size, order)),
      ...written((output) => output.uint(unsigned, size, order)),
    ]);
    assertEquals(input.length, 2 * size);
    assertEquals(BigInt(input.int(0, size, order)), signed);
    assertEquals(BigInt(input.uint(size, size, order)), unsigned);
    assertEquals(typeof input.int(0, size), size > 6 ? "bigint" : "number");
  }));
});

Deno.test("float() reads the same as DataView, and reads written values back", () => {
  const size = fc.constantFrom<4 | 8>(4, 8);
  fc.assert(fc.property(fc.double(), size, endianness, (value, size, order) => {
    const output = written((output) => output.float(value, size, order));
    assertEquals(output.length, size);
    const view = new DataView(output.slice().buffer);
    const expected = size === 4
      ? view.getFloat32(0, order === "little")
      : view.getFloat64(0, order === "little");
    assertEquals(expected, size === 4 ? Math.fround(value) : value);
    assertEquals(inputOf(output).float(0, size, order), expected);
  }));
});

Deno.test("varint() reads Protocol Buffers' example, and any integer that was written", () => {
  assertEquals(inputOf([7, 0x96, 0x01]).varint(1), { value: 150, size: 2 });
  assertEquals(written((output) => output.varint(150)), bytes([0x96, 0x01]));
  const integer = fc.oneof(fc.nat(300), fc.maxSafeNat());
  fc.assert(fc.property(integer, (value) => {
    const output = written((output) => output.varint(value));
    const { length } = output;
    assertEquals(inputOf(output).varint(0), { value, size: length });
    for (let cut = 0; cut < length; cut++) {
      assertEquals(inputOf(output.subarray(0, cut)).varint(0), undefined);
    }
    assertEquals(length, Math.max(1, Math.ceil(value.toString(2).length / 7)));
  }));
});

Deno.test("varint() takes zeros in front of a number, and refuses a number that is too long or too large", () => {
  const zeros = [...Array(9).fill(0x80), 0];
  assertEquals(inputOf(zeros).varint(0), { value: 0, size: 10 });
  for (
    const [content, why] of [
      [Array(100).fill(0x80), "Varint has more than 10 bytes at offset 1"],
      [Array(8).fill(0xff), "Varint is larger than 2^53 - 1 at offset 1"],
    ] as const
  ) assertThrows(() => inputOf(content).varint(0), DecodeError, why);
});

Deno.test("numbers that have not arrived, and invalid sizes, are refused", () => {
  const input = inputOf([1, 2, 3]);
  const refuse = (read: (input: ReadBuffer) => unknown, why: string) =>
    assertThrows(() => read(input), RangeError, why);
  refuse(
    (input) => input.uint(1, 3),
    "Cannot read number: it has 3 bytes at position 1, the input has 3 bytes",
  );
  refuse((input) => input.int(3, 1), "Cannot read number");
  refuse((input) => input.float(0, 4), "Cannot read number");
  refuse((input) => input.uint(-1, 1), "Cannot read number");
  refuse((input) => input.uint(0, 9), "size is 9, expected 1 to 8 bytes");
  refuse((input) => input.int(0, 0), "size is 0, expected 1 to 8 bytes");
  refuse(
    (input) => input.float(0, 2 as 4),
    "size is 2, expected 4 or 8 bytes",
  );
});

Deno.test("values that do not fit their size are refused, and nothing is written", () => {
  const output = new WriteBuffer();
  const refuse = (
    write: () => void,
    why: string,
    error: typeof RangeError | typeof TypeError = RangeError,
  ) => {
    assertThrows(write, error, why);
    assertEquals(output.length, 0);
  };
  const range = "expected an integer from";
  refuse(() => output.uint(256, 1), `value is 256, ${range} 0 to 255`);
  refuse(() => output.uint(-1, 4), `value is -1, ${range} 0 to 4294967295`);
  refuse(() => output.uint(2n ** 64n, 8), `${range} 0 to ${2n ** 64n - 1n}`);
  refuse(() => output.uint(1.5, 2), "value is 1.5");
  refuse(() => output.uint(NaN, 2), "value is NaN");
  refuse(() => output.int(128, 1), `value is 128, ${range} -128 to 127`);
  refuse(() => output.int(-129, 1), "value is -129");
  refuse(() => output.uint(1, 9), "size is 9, expected 1 to 8 bytes");
  refuse(() => output.float(1, 3 as 4), "size is 3, expected 4 or 8 bytes");
  refuse(() => output.varint(-1), `value is -1, ${range} 0`);
  refuse(() => output.varint(2 ** 53), "value is 9007199254740992");
  refuse(
    () => output.uint("1" as unknown as number, 1),
    "value is 1, expected a number or a bigint",
    TypeError,
  );
});

Deno.test("CodecInput and CodecOutput have no methods of the codec's driver", () => {
  const input: CodecInput = inputOf([1]);
  const output: CodecOutput = new WriteBuffer();
  // @ts-expect-error The driver's.
  const drivers: unknown[] = [input.append, input.space, input.fill];
  // @ts-expect-error The driver's.
  drivers.push(output.take);
  // @ts-expect-error The driver's.
  drivers.push(output.length, output.giveBack, output.split, output.encode);
  assertEquals(drivers.length, 8);
  const number: number = input.uint(0, 1);
  assertEquals(number, 1);
  // @ts-expect-error An integer of 8 bytes is a bigint.
  const wrong = (): number => input.uint(0, 8);
  assertThrows(wrong, RangeError);
});
