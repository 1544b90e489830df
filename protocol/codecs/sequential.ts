import { MessageTooLargeError, TruncatedMessageError } from "../errors.ts";
import { messageLimit } from "./_util/options.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions } from "./options.ts";

/**
 * The decoding of one message, which consumes its bytes step by step. A number that
 * it yields is how many bytes it waits for: it goes on when that many are at the
 * front of the input. It begins when there is at least one. To wait for any more
 * bytes, it yields `input.length + 1`.
 */
export type Decoding<In> = Generator<number, In, void>;

/** How messages are decoded and encoded, for {@linkcode sequential}. */
export interface SequentialCodec<In, Out = In> {
  /**
   * Reads the next message from its front to its end.
   *
   * @throws {ProtocolError} The bytes can never become a message.
   */
  decode(input: CodecInput): Decoding<In>;
  /** Appends the message's bytes to the output: see {@linkcode Codec.encode}. */
  encode(message: Out, output: CodecOutput): void;
}

/**
 * A codec whose `decode()` is a generator function. It reads a message in the
 * order of its bytes, and yields where it has to wait for more: what it knows of
 * the message until then stays in its local variables.
 *
 * All bytes of a message count towards the limit. Decoding raises
 * {@linkcode MessageTooLargeError} as soon as the message waits for more than that,
 * and {@linkcode TruncatedMessageError} if the stream ends within a message. It
 * raises a `RangeError` if the generator yields NaN or a negative number, and a
 * `TypeError` if it returns `undefined`.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example Lists of text, each text behind its length
 * ```ts
 * import { decoderStream, sequential } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = new TextDecoder();
 * const lists = sequential<string[]>({
 *   *decode(input) {
 *     const list: string[] = [];
 *     const count = input.uint(0, 1);
 *     input.consume(1);
 *     while (list.length < count) {
 *       yield 2;
 *       const size = 2 + input.uint(0, 2);
 *       yield size;
 *       list.push(decoder.decode(input.take(size, 2)));
 *     }
 *     return list;
 *   },
 *   encode() {},
 * });
 * const stream = new Blob(["\x02\0\x03one\0\x03two", "\0"]).stream();
 * const received = stream.pipeThrough(decoderStream(lists));
 * assertEquals(await Array.fromAsync(received), [["one", "two"], []]);
 * ```
 */
export function sequential<In, Out = In>(
  codec: SequentialCodec<In, Out>,
  options: CodecOptions = {},
): Codec<In, Out> {
  return new Sequential(codec, messageLimit(options));
}

class Sequential<In, Out> implements Codec<In, Out> {
  readonly #codec: SequentialCodec<In, Out>;
  readonly #limit: number;
  /** Decodes the message that has begun, if there is one. */
  #decoding: Decoding<In> | undefined;
  /** Where the message begins, in bytes from the start of the stream. */
  #start = 0;
  /** How many bytes the decoding waits for. */
  #wanted = 1;

  constructor(codec: SequentialCodec<In, Out>, limit: number) {
    this.#codec = codec;
    this.#limit = limit;
  }

  decode(input: CodecInput): In | undefined {
    if (!this.#decoding) {
      if (input.length === 0) return undefined;
      this.#decoding = this.#codec.decode(input);
      this.#start = input.offset;
      this.#wanted = 1;
    }
    while (input.expect(this.#wanted)) {
      const { done, value } = this.#decoding.next();
      const wanted = done ? 0 : value;
      if (input.offset + wanted - this.#start > this.#limit) {
        throw new MessageTooLargeError(this.#limit, this.#start);
      }
      if (done) {
        this.#decoding = undefined;
        if (value !== undefined) return value;
        throw new TypeError(
          "Cannot decode: decode() has returned undefined: it must be a message",
        );
      }
      if (!(value >= 0)) {
        throw new RangeError(
          `Cannot decode: decode() has yielded ${value}: it must be at least 0`,
        );
      }
      this.#wanted = value;
    }
    return undefined;
  }

  end(input: CodecInput): In | undefined {
    const message = this.decode(input);
    if (this.#decoding === undefined) return message;
    const length = input.offset + input.length - this.#start;
    throw new TruncatedMessageError(this.#start, length);
  }

  encode(message: Out, output: CodecOutput): void {
    this.#codec.encode(message, output);
  }
}
