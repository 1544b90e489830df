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
  "4 bytes, little-endian": [{ endianness: "little" }, [2, 0, 0, 0, 8, 9]],
  "8 bytes": [{ lengthFieldLength: 8 }, [0, 0, 0, 0, 0, 0, 0, 2, 8, 9]],
  "8 bytes, little-endian": [
    { lengthFieldLength: 8, endianness: "little" },
    [2, 0, 0, 0, 0, 0, 0, 0, 8, 9],
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

for (const lengthFieldLength of [1, 2, 4, 8] as const) {
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

Deno.test("lengthPrefixed() counts what is before the length towards the limit", () => {
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

Deno.test("lengthPrefixed() gives back any frames, however their bytes are cut", () => {
  const options = fc.record({
    lengthFieldLength: fc.constantFrom(1, 2, 4, 8),
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

Deno.test("lengthPrefixed() refuses a message that its length cannot describe", () => {
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
  refuse({ lengthFieldLength: 1 }, 256, "length does not fit 1 bytes: 256");
  refuse({ lengthAdjustment: 3 }, 2, "length does not fit 4 bytes: -1");
  refuse({ lengthFieldOffset: 3 }, 2, "must have at least 3 bytes: 2");
});

Deno.test("lengthPrefixed() names the option and the value that it refuses", () => {
  const refuse = (
    options: Record<string, unknown>,
    why: string,
    error: typeof TypeError | typeof RangeError = RangeError,
  ) => assertThrows(() => lengthPrefixed(options), error, why);
  refuse(
    { lengthFieldLength: 3 },
    "lengthFieldLength is 3, expected 1, 2, 4 or 8",
  );
  refuse({ lengthFieldLength: 9 }, "lengthFieldLength is");
  refuse({ lengthFieldOffset: -1 }, "lengthFieldOffset is");
  refuse({ lengthAdjustment: 0.5 }, "lengthAdjustment is");
  refuse({ lengthAdjustment: "1" }, "lengthAdjustment is", TypeError);
  refuse(
    { endianness: "BE" },
    'endianness is "BE", expected "big" or "little"',
    TypeError,
  );
});
