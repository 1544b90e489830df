import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  DecodeError,
  lengthPrefixed,
  type LengthPrefixedOptions,
  MessageTooLargeError,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";
import {
  bytes,
  cutAt,
  decodeChunks,
  encodeAll,
} from "../../testing/_codec_checks/decoding.ts";

const frames = (...lists: number[][]) => lists.map(bytes);

testCodec(
  "lengthPrefixed()",
  (options) => lengthPrefixed({ maxMessageBytes: 3, ...options }),
  {
    "nothing": { input: "", messages: [] },
    "frames": {
      input: bytes([0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]),
      messages: frames([7], [], [1, 2, 3]),
    },
    "up to a frame over the limit, by its length alone": {
      input: bytes([0, 0, 0, 1, 7, 0, 0, 0, 4]),
      messages: frames([7]),
      error: { class: MessageTooLargeError, has: { limit: 3, offset: 5 } },
    },
    "up to a length cut short": {
      input: bytes([0, 0, 0, 1, 7, 0, 0]),
      messages: frames([7]),
      error: { class: TruncatedMessageError, has: { offset: 5, length: 2 } },
    },
    "up to a frame cut short": {
      input: bytes([0, 0, 0, 1, 7, 0, 0, 0, 2, 1]),
      messages: frames([7]),
      error: { class: TruncatedMessageError, has: { offset: 5, length: 5 } },
    },
  },
  { messages: fc.uint8Array(), sized: (bytes) => new Uint8Array(bytes) },
);

const options: Record<string, [LengthPrefixedOptions, number[]]> = {
  "1 byte": [{ lengthFieldLength: 1 }, [2, 8, 9]],
  "2 bytes": [{ lengthFieldLength: 2 }, [0, 2, 8, 9]],
  "2 bytes, little-endian": [
    { lengthFieldLength: 2, endianness: "little" },
    [2, 0, 8, 9],
  ],
  "3 bytes": [{ lengthFieldLength: 3 }, [0, 0, 2, 8, 9]],
  "3 bytes, little-endian": [
    { lengthFieldLength: 3, endianness: "little" },
    [2, 0, 0, 8, 9],
  ],
  "4 bytes, little-endian": [{ endianness: "little" }, [2, 0, 0, 0, 8, 9]],
  "5 bytes": [{ lengthFieldLength: 5 }, [0, 0, 0, 0, 2, 8, 9]],
  "6 bytes": [{ lengthFieldLength: 6 }, [0, 0, 0, 0, 0, 2, 8, 9]],
  "7 bytes": [{ lengthFieldLength: 7 }, [0, 0, 0, 0, 0, 0, 2, 8, 9]],
  "8 bytes": [{ lengthFieldLength: 8 }, [0, 0, 0, 0, 0, 0, 0, 2, 8, 9]],
  "8 bytes, little-endian": [
    { lengthFieldLength: 8, endianness: "little" },
    [2, 0, 0, 0, 0, 0, 0, 0, 8, 9],
  ],
  "a varint": [{ lengthFieldLength: "varint" }, [2, 8, 9]],
  "a varint behind a type": [
    { lengthFieldLength: "varint", lengthFieldOffset: 1 },
    [8, 1, 9],
  ],
  "a varint that counts a byte less": [
    { lengthFieldLength: "varint", lengthAdjustment: 1 },
    [1, 8, 9],
  ],
  "a length that counts its own field": [
    { lengthAdjustment: -4 },
    [0, 0, 0, 6, 8, 9],
  ],
  "a length that counts less than what follows": [
    { lengthFieldLength: 1, lengthAdjustment: 1 },
    [1, 8, 9],
  ],
  "a length behind a type": [
    { lengthFieldOffset: 1, lengthFieldLength: 2 },
    [8, 0, 1, 9],
  ],
  "a length behind a type that counts all": [
    { lengthFieldOffset: 1, lengthFieldLength: 2, lengthAdjustment: -3 },
    [8, 0, 4, 9],
  ],
};

for (const [title, [option, encoded]] of Object.entries(options)) {
  testCodec(
    "lengthPrefixed()",
    (options) => lengthPrefixed({ ...option, ...options }),
    {
      [title]: {
        input: bytes([...encoded, ...encoded]),
        messages: frames([8, 9], [8, 9]),
      },
    },
  );

  Deno.test(`lengthPrefixed() encodes ${title}`, () => {
    const codec = lengthPrefixed(option);
    assertEquals(encodeAll(codec, frames([8, 9])), bytes(encoded));
  });
}

testCodec(
  "lengthPrefixed() with a varint",
  (options) => lengthPrefixed({ lengthFieldLength: "varint", ...options }),
  {
    "frames of 0, 127, 128 and 300 bytes": {
      input: bytes([
        ...[0, 127, ...Array(127).fill(1), 0x80, 1, ...Array(128).fill(2)],
        ...[0xac, 2, ...Array(300).fill(3)],
      ]),
      messages: [[0, 0], [127, 1], [128, 2], [300, 3]].map((
        [size, value = 0],
      ) => new Uint8Array(size ?? 0).fill(value)),
    },
    "a length with zeros in front of it": {
      input: bytes([0x82, 0x80, 0, 8, 9]),
      messages: frames([8, 9]),
    },
    "up to a frame over the limit, by its length alone": {
      input: bytes([1, 7, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      messages: frames([7]),
      error: { class: MessageTooLargeError, has: { limit: 65536, offset: 2 } },
    },
    "up to a length that never ends": {
      input: bytes([1, 7, ...Array(20).fill(0x80)]),
      messages: frames([7]),
      error: { class: DecodeError, has: { offset: 2 } },
    },
    "up to a length cut short": {
      input: bytes([1, 7, 0x80]),
      messages: frames([7]),
      error: { class: TruncatedMessageError, has: { offset: 2, length: 1 } },
    },
  },
  { messages: fc.uint8Array(), sized: (bytes) => new Uint8Array(bytes) },
);

for (const lengthFieldLength of [1, 2, 3, 4, 5, 6, 7, 8] as const) {
  for (const endianness of ["big", "little"] as const) {
    testCodec(
      "lengthPrefixed()",
      (options) =>
        lengthPrefixed({ lengthFieldLength, endianness, ...options }),
      {
        [`the largest length of ${lengthFieldLength} bytes, ${endianness}-endian`]:
          {
            input: bytes(Array(lengthFieldLength).fill(0xff)),
            messages: [],
            error: lengthFieldLength > 2
              ? { class: MessageTooLargeError, has: { offset: 0 } }
              : { class: TruncatedMessageError },
          },
      },
    );
  }
}

testCodec(
  "lengthPrefixed()",
  (options) =>
    lengthPrefixed({
      lengthFieldLength: 8,
      maxMessageBytes: Infinity,
      ...options,
    }),
  {
    "up to a length that no number can hold, without a limit too": {
      input: bytes([0x80, 0, 0, 0, 0, 0, 0, 0]),
      messages: [],
      error: { class: MessageTooLargeError, has: { limit: Infinity } },
    },
  },
);

testCodec(
  "lengthPrefixed()",
  (options) => lengthPrefixed({ lengthAdjustment: -4, ...options }),
  {
    "up to a length that is less than what it counts": {
      input: bytes([0, 0, 0, 4, 0, 0, 0, 3]),
      messages: frames([]),
      error: { class: DecodeError, has: { offset: 4 } },
    },
  },
);

Deno.test("lengthPrefixed() counts the bytes before the length towards the limit", () => {
  const codec = () =>
    lengthPrefixed({
      lengthFieldOffset: 2,
      lengthFieldLength: 1,
      maxMessageBytes: 3,
    });
  assertEquals(
    decodeChunks(codec(), [bytes([8, 9, 1, 7])]).messages,
    frames([8, 9, 7]),
  );
  const { error } = decodeChunks(codec(), [bytes([8, 9, 2])]);
  assertEquals(error instanceof MessageTooLargeError, true);
});

Deno.test("lengthPrefixed() decodes any encoded frames, whatever the chunks", () => {
  const options = fc.record({
    lengthFieldLength: fc.constantFrom(
      ...[1, 2, 3, 4, 5, 6, 7, 8, "varint"] as const,
    ),
    lengthFieldOffset: fc.integer({ min: 0, max: 3 }),
    lengthAdjustment: fc.integer({ min: -8, max: 0 }),
    endianness: fc.constantFrom("big", "little"),
  });
  const frame = fc.uint8Array({ minLength: 3, maxLength: 200 });
  const fraction = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      options,
      fc.array(frame),
      fc.array(fraction),
      (options, messages, fractions) => {
        const codec = lengthPrefixed(options);
        const encoded = encodeAll(codec, messages);
        const decoded = decodeChunks(codec, cutAt(encoded, fractions));
        assertEquals(decoded, { messages, error: undefined });
      },
    ),
  );
});

Deno.test("lengthPrefixed() refuses a message whose size does not fit its length field", () => {
  const refuse = (
    options: LengthPrefixedOptions,
    size: number,
    why: string,
  ) => {
    const codec = lengthPrefixed(options);
    assertThrows(
      () => encodeAll(codec, [new Uint8Array(size)]),
      RangeError,
      why,
    );
  };
  const codec = lengthPrefixed({ lengthFieldLength: 1 });
  assertEquals(encodeAll(codec, [new Uint8Array(255)]).length, 256);
  refuse(
    { lengthFieldLength: 1 },
    256,
    "length is 256, expected 0 to 255 in its field",
  );
  refuse(
    { lengthAdjustment: 3 },
    2,
    "length is -1, expected 0 to 4294967295 in its field",
  );
  refuse(
    { lengthFieldOffset: 3 },
    2,
    "message has 2 bytes, expected at least 3",
  );
});

Deno.test("lengthPrefixed() names the option and the value that it refuses", () => {
  const refuse = (
    options: Record<string, unknown>,
    why: string,
    error: typeof TypeError | typeof RangeError = RangeError,
  ) => assertThrows(() => lengthPrefixed(options), error, why);
  for (const lengthFieldLength of [0, 9, 1.5, NaN]) {
    refuse(
      { lengthFieldLength },
      `lengthFieldLength is ${lengthFieldLength}, expected an integer from 1 to 8`,
    );
  }
  refuse(
    { lengthFieldLength: "leb128" },
    'lengthFieldLength is "leb128", expected a number',
    TypeError,
  );
  refuse({ lengthFieldOffset: -1 }, "lengthFieldOffset is");
  refuse({ lengthAdjustment: 0.5 }, "lengthAdjustment is");
  refuse({ lengthAdjustment: "1" }, "lengthAdjustment is", TypeError);
  refuse(
    { endianness: "BE" },
    'endianness is "BE", expected "big" or "little"',
    TypeError,
  );
});
