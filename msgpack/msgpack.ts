import type { Codec } from "../protocol/codecs/codec.ts";
import type { CodecOptions } from "../protocol/codecs/options.ts";
import {
  booleanOption,
  messageLimit,
} from "../protocol/codecs/_util/options.ts";
import type { CodecInput } from "../protocol/codecs/codec_input.ts";
import type { CodecOutput } from "../protocol/codecs/codec_output.ts";
import { MAX_DEPTH, ValueScanner } from "./_codec/scanner.ts";
import { checkIntegers, StrictExtensions } from "./_codec/strict_extensions.ts";
import { ValueReader } from "./_codec/value_reader.ts";
import { encode, type EncoderOptions } from "./_deps.ts";

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
 * string or a number, or has a malformed timestamp. A map is an object, in which
 * every key is data, also `__proto__`. Bytes of a string that are not UTF-8 become
 * U+FFFD.
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
  readonly #bigint: boolean;
  readonly #encoding: EncoderOptions;

  constructor(limit: number, bigint: boolean) {
    this.#scanner = new ValueScanner(limit);
    this.#bigint = bigint;
    this.#encoding = {
      useBigInt64: bigint,
      maxDepth: MAX_DEPTH,
      extensionCodec: new StrictExtensions(bigint),
    };
  }

  decode(input: CodecInput): T | undefined {
    if (input.length === 0) return undefined;
    const size = this.#scanner.scan(input);
    if (size < 0) return undefined;
    try {
      const value = new ValueReader(input, this.#bigint).read();
      input.consume(size);
      return value as T;
    } catch (cause) {
      throw input.malformed("Message is not MessagePack", cause);
    }
  }

  encode(message: T, output: CodecOutput): void {
    if (this.#bigint) checkIntegers([message]);
    output.bytes(encode(message, this.#encoding));
  }
}
