/** Codecs that need options of `testCodec()`; these suites pass. */
import { type Codec, lengthPrefixed, text } from "../../protocol/mod.ts";
import { MessageTooLargeError } from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";

for (const [lengthFieldLength, maxSized] of [[1, 255], [2, 65_535]] as const) {
  testCodec(
    `text behind a length of ${lengthFieldLength} bytes`,
    (options) => text(lengthPrefixed({ lengthFieldLength, ...options })),
    {},
    { sized: (bytes) => "x".repeat(bytes), maxSized },
  );
}

/** A client's side: it sends words and gets numbers, each behind a length. */
function client(options: { maxMessageBytes?: number | undefined }): Codec<
  number,
  string
> {
  const { maxMessageBytes = 1000 } = options;
  return {
    decode(input) {
      if (input.length < 2) return undefined;
      const length = input.uint(0, 2);
      if (length > maxMessageBytes) {
        throw new MessageTooLargeError(maxMessageBytes, input.offset);
      }
      if (input.length < 2 + length) return undefined;
      const digits = new TextDecoder().decode(input.take(2 + length, 2));
      return Number(digits);
    },
    encode(word, output) {
      output.text(word + "\n");
    },
  };
}

testCodec("a client that sends words and gets numbers", client, {
  "two numbers": { input: "\0\x011\0\x0223", messages: [1, 23] },
}, {
  roundTrip: false,
  sizedInput: (bytes) => {
    const digits = new TextEncoder().encode("1".repeat(bytes));
    return Uint8Array.of(bytes >> 8, bytes, ...digits);
  },
  maxSized: 65_535,
});
