/** Codecs that each break a law; a test checks that they fail. */
import {
  type Codec,
  type CodecInput,
  lines,
  MessageTooLargeError,
} from "../../protocol/mod.ts";
import { testCodec } from "../../testing/mod.ts";

const LF = 0x0a;
const cases = {
  "two lines": { input: "one\ntwo\n", messages: ["one", "two"] },
};

const sized = (bytes: number) => "x".repeat(bytes);

function broken(
  name: string,
  decode: (input: CodecInput, limit: number) => string | undefined,
  options: {
    encode?: Codec<string>["encode"];
    sized?: (bytes: number) => string;
  } = {},
): void {
  const { encode = lines().encode, ...rest } = options;
  const codec = ({ maxMessageBytes = 1000 }) => ({
    decode: (input: CodecInput) => decode(input, maxMessageBytes),
    encode,
  });
  testCodec(name, codec, cases, rest);
}

function take(input: CodecInput, end: number): string {
  const line = new TextDecoder().decode(input.subarray(0, end));
  input.consume(end + 1);
  return line;
}

broken("whole lines alone", (input, limit) => {
  const end = input.indexOf(LF);
  if (end < 0 && input.length > 0) throw new MessageTooLargeError(limit, 0);
  return end < 0 ? undefined : take(input, end);
});

broken("lines without a limit", (input) => {
  const end = input.indexOf(LF, Math.max(0, input.length - 1000));
  return end < 0 ? undefined : take(input, end);
}, { sized });

broken("lines whose limit counts when they are whole", (input, limit) => {
  const end = input.indexOf(LF, Math.max(0, input.length - 1000));
  if (end > limit) throw new MessageTooLargeError(limit, input.offset);
  return end < 0 ? undefined : take(input, end);
}, { sized });

broken("lines searched from their start", (input, limit) => {
  const end = input.indexOf(LF);
  if (Math.max(end, input.length - 1) > limit) {
    throw new MessageTooLargeError(limit, input.offset);
  }
  return end < 0 ? undefined : take(input, end);
}, { sized });

broken("lines in upper case", (input) => {
  const end = input.indexOf(LF);
  return end < 0 ? undefined : take(input, end);
}, { encode: (message, output) => output.text(message.toUpperCase() + "\n") });

broken("lines that end with the stream", (input) => {
  const end = input.indexOf(LF);
  if (end >= 0) return take(input, end);
  return input.length === 0 ? undefined : take(input, input.length - 1);
});

/** The rest of a stream, which is not consumed. */
testCodec("the rest of a stream", (options) => {
  const whole = lines(options);
  return {
    decode: (input) => whole.decode(input),
    end: (input) => new TextDecoder().decode(input.subarray()),
    encode: whole.encode,
  };
}, cases);

/** Frames with a length of one byte, which is consumed when it arrives. */
testCodec("frames that lose their head", () => {
  let length: number | undefined;
  return {
    decode(input: CodecInput): Uint8Array | undefined {
      if (length === undefined && input.length > 0) {
        length = input.uint(0, 1);
        input.consume(1);
      }
      if (length === undefined || input.length < length) return undefined;
      const frame = input.take(length);
      length = undefined;
      return frame;
    },
    encode(frame: Uint8Array, output) {
      output.uint(frame.length, 1);
      output.bytes(frame);
    },
  };
}, {
  "two frames": {
    input: Uint8Array.of(2, 8, 9, 1, 7),
    messages: [Uint8Array.of(8, 9), Uint8Array.of(7)],
  },
});
