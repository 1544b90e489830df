import type { Codec } from "../protocol/codecs/codec.ts";
import type { CodecOptions } from "../protocol/codecs/options.ts";
import {
  booleanOption,
  messageLimit,
} from "../protocol/codecs/_util/options.ts";
import type { CodecInput } from "../protocol/codecs/codec_input.ts";
import type { CodecOutput } from "../protocol/codecs/codec_output.ts";
import { DecodeError } from "../protocol/errors.ts";
import { MAX_DEPTH, ValueScanner } from "./_codec/scanner.ts";
import { checkIntegers, extensions } from "./_codec/extensions.ts";
import { decode, encode, type ExtensionCodecType } from "./_deps.ts";

/** Options of {@linkcode msgpack}. */
export interface MsgpackOptions extends CodecOptions {
  /**
   * Whether integers that are encoded in 64 bits are a `bigint`. If not, integers
   * beyond ±(2^53 - 1) lose digits.
   *
   * @default {false}
   */
  bigint?: boolean | undefined;
}

/**
 * MessagePack values, one after another, with nothing between them.
 *
 * `T` is the type of the peer's values, which is not checked. The cost is linear
 * in bytes, whatever the chunks. Decoding raises `MessageTooLargeError` as soon as
 * a header announces too many bytes. It raises `DecodeError` for a value that is
 * nested deeper than 1,000, has a byte that is never used, has a key that is not a
 * string or a number, or has the key `__proto__`.
 *
 * A plain object is a map, a `Uint8Array` or another view its bytes, a `Date` a
 * timestamp, and `undefined` is nil. An extension of another type is an object with
 * `type` and `data`, which can be sent as it came. Encoding raises a `TypeError` for
 * any other object, such as a `Map`, an `ArrayBuffer` or an instance of a class, and
 * for a function, a symbol, or a `bigint` if the option is not set. It raises a
 * `RangeError` for a `bigint` beyond 64 bits and a `Date` without a time, and an
 * error for a value that is nested deeper than 1,000.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example Values in a stream
 * ```ts
 * import { msgpack } from "@parley/parley/msgpack";
 * import { decoderStream, encoderStream } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const values = [{ id: 1 }, [true, null], "text"];
 * const bytes = ReadableStream.from(values)
 *   .pipeThrough(encoderStream(msgpack()));
 * const decoded = bytes.pipeThrough(decoderStream(msgpack()));
 * assertEquals(await Array.fromAsync(decoded), values);
 * ```
 */
export function msgpack<T = unknown>(options: MsgpackOptions = {}): Codec<T> {
  return new Msgpack<T>(
    messageLimit(options),
    booleanOption("bigint", options.bigint ?? false),
  );
}

class Msgpack<T> implements Codec<T> {
  readonly #scanner: ValueScanner;
  readonly #options: {
    readonly useBigInt64: boolean;
    readonly maxDepth: number;
    readonly extensionCodec: ExtensionCodecType<undefined>;
  };

  constructor(limit: number, bigint: boolean) {
    this.#scanner = new ValueScanner(limit);
    this.#options = {
      useBigInt64: bigint,
      maxDepth: MAX_DEPTH,
      extensionCodec: extensions(bigint),
    };
  }

  decode(input: CodecInput): T | undefined {
    if (input.length === 0) return undefined;
    const size = this.#scanner.scan(input);
    if (size < 0) return undefined;
    const { offset } = input;
    const bytes = input.take(size);
    try {
      return decode(bytes, this.#options) as T;
    } catch (cause) {
      throw new DecodeError("Message is not MessagePack", {
        offset,
        bytes,
        cause,
      });
    }
  }

  encode(message: T, output: CodecOutput): void {
    if (this.#options.useBigInt64) checkIntegers([message]);
    output.bytes(encode(message, this.#options));
  }
}
