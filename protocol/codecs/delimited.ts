import { MessageTooLargeError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import { integerOption, messageLimit, wrongType } from "./_util/options.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions } from "./options.ts";

/** Options of {@linkcode delimited}. */
export type DelimitedOptions = CodecOptions;

/**
 * Frames of bytes, each with a delimiter behind it, which does not count towards
 * the limit. The delimiter is bytes, text as UTF-8, or the value of one byte. A
 * frame is a copy: it stays as it is. Bytes without a delimiter at the end of
 * the stream are truncated.
 *
 * Decoding raises {@linkcode MessageTooLargeError}. Encoding raises a
 * `TypeError` for a frame that would not come back as it is, because the
 * delimiter is found in it.
 *
 * @throws {TypeError} The delimiter or an option has the wrong type.
 * @throws {RangeError} The delimiter is empty or no byte, or `maxMessageBytes`
 * no integer of at least 1.
 *
 * @example Text between NUL bytes
 * ```ts
 * import { decoderStream, delimited, text } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(["one\0two\0"]).stream();
 * const messages = stream.pipeThrough(decoderStream(text(delimited(0))));
 * assertEquals(await Array.fromAsync(messages), ["one", "two"]);
 * ```
 */
export function delimited(
  delimiter: Uint8Array | string | number,
  options: DelimitedOptions = {},
): Codec<Uint8Array> {
  return new Delimited(delimiterBytes(delimiter), messageLimit(options));
}

class Delimited extends Frames {
  readonly #delimiter: Uint8Array;
  readonly #first: number;
  readonly #limit: number;
  #input: CodecInput | undefined;
  /** No delimiter begins before this offset. */
  #searched = 0;

  constructor(delimiter: Uint8Array, limit: number) {
    super();
    this.#delimiter = delimiter;
    this.#first = delimiter[0] ?? 0;
    this.#limit = limit;
  }

  protected override find(input: CodecInput): Frame | undefined {
    if (input !== this.#input) {
      this.#input = input;
      this.#searched = 0;
    }
    const end = this.#find(input);
    const least = end < 0 ? this.#searched - input.offset : end;
    if (least > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    if (end < 0) return undefined;
    return { start: 0, end, size: end + this.#delimiter.length };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    if (this.#hasDelimiter(message)) {
      throw new TypeError("Cannot encode: message has the delimiter in it");
    }
    output.bytes(message);
    output.bytes(this.#delimiter);
  }

  /** The position of the first delimiter, or -1. */
  #find(input: CodecInput): number {
    const { offset } = input;
    const from = Math.max(0, this.#searched - offset);
    for (
      let at = input.indexOf(this.#first, from);
      at >= 0;
      at = input.indexOf(this.#first, at + 1)
    ) {
      const matched = this.#match(input, at);
      if (matched === this.#delimiter.length) return at;
      if (at + matched === input.length) {
        this.#searched = offset + at;
        return -1;
      }
    }
    this.#searched = offset + input.length;
    return -1;
  }

  /** How many bytes of the delimiter stand at a position. */
  #match(input: CodecInput, at: number): number {
    let matched = 1;
    while (
      matched < this.#delimiter.length &&
      input.at(at + matched) === this.#delimiter[matched]
    ) matched++;
    return matched;
  }

  /** Whether a delimiter begins within the message, ending in it or behind it. */
  #hasDelimiter(message: Uint8Array): boolean {
    for (
      let at = message.indexOf(this.#first);
      at >= 0;
      at = message.indexOf(this.#first, at + 1)
    ) {
      const found = this.#delimiter.every((byte, i) =>
        byte === (message[at + i] ?? this.#delimiter[at + i - message.length])
      );
      if (found) return true;
    }
    return false;
  }
}

function delimiterBytes(delimiter: Uint8Array | string | number): Uint8Array {
  if (typeof delimiter === "number") {
    return Uint8Array.of(integerOption("delimiter", delimiter, 0, 255));
  }
  if (typeof delimiter !== "string" && !(delimiter instanceof Uint8Array)) {
    throw wrongType("delimiter", delimiter, "a Uint8Array, a string or a byte");
  }
  if (delimiter.length === 0) {
    throw new RangeError(
      "Cannot make codec: delimiter is empty, expected at least one byte",
    );
  }
  return typeof delimiter === "string"
    ? new TextEncoder().encode(delimiter)
    : delimiter.slice();
}
