import { MessageTooLargeError, type ProtocolError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import type {
  BadMessageOptions,
  CodecOptions,
  DeliverBadMessages,
  UnterminatedOptions,
} from "./options.ts";
import { withBadMessages } from "./_util/bad_messages.ts";
import { DelimiterSearch } from "./_util/delimiter_search.ts";
import {
  booleanOption,
  integerOption,
  messageLimit,
  wrongType,
} from "./_util/options.ts";

/** Options of {@linkcode delimited}. */
export interface DelimitedOptions
  extends CodecOptions, UnterminatedOptions, BadMessageOptions {}

/**
 * Frames of bytes, each with a delimiter behind it, which does not count towards
 * the limit. The delimiter is bytes, text as UTF-8, or the value of one byte. A
 * frame is a copy: it stays as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError}. Encoding raises a `TypeError`
 * for a frame with the delimiter in it, which would not come back as it is.
 *
 * @throws {TypeError} The delimiter or an option has the wrong type.
 * @throws {RangeError} The delimiter is empty or not a byte, or `maxMessageBytes` is
 * not an integer of at least 1.
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
  options: DelimitedOptions & DeliverBadMessages,
): Codec<Uint8Array | ProtocolError, Uint8Array>;
/** Frames of bytes before a delimiter; one that is too large is thrown or skipped. */
export function delimited(
  delimiter: Uint8Array | string | number,
  options?: DelimitedOptions,
): Codec<Uint8Array>;
export function delimited(
  delimiter: Uint8Array | string | number,
  options: DelimitedOptions = {},
): Codec<Uint8Array | ProtocolError, Uint8Array> {
  const bytes = delimiterBytes(delimiter);
  return withBadMessages(new Delimited(bytes, options), bytes, options);
}

class Delimited extends Frames {
  readonly #delimiter: Uint8Array;
  readonly #search: DelimiterSearch;
  readonly #limit: number;
  readonly #allowUnterminated: boolean;

  constructor(delimiter: Uint8Array, options: DelimitedOptions) {
    super();
    const { allowUnterminated = false } = options;
    this.#delimiter = delimiter;
    this.#search = new DelimiterSearch(delimiter);
    this.#limit = messageLimit(options);
    this.#allowUnterminated = booleanOption(
      "allowUnterminated",
      allowUnterminated,
    );
  }

  protected override find(input: CodecInput): Frame | undefined {
    const end = this.#search.find(input);
    this.#assertFits(
      end < 0 ? this.#search.searched - input.offset : end,
      input,
    );
    if (end < 0) return undefined;
    return { start: 0, end, size: end + this.#delimiter.length };
  }

  protected override findLast(input: CodecInput): Frame | undefined {
    const { length } = input;
    if (!this.#allowUnterminated || length === 0) return undefined;
    this.#assertFits(length, input);
    return { start: 0, end: length, size: length };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    if (this.#hasDelimiter(message)) {
      throw new TypeError("Cannot encode: message has the delimiter in it");
    }
    output.bytes(message);
    output.bytes(this.#delimiter);
  }

  #assertFits(length: number, input: CodecInput): void {
    if (length > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
  }

  /** Whether a delimiter begins within the message, ending in it or behind it. */
  #hasDelimiter(message: Uint8Array): boolean {
    const [first = 0] = this.#delimiter;
    for (
      let at = message.indexOf(first);
      at >= 0;
      at = message.indexOf(first, at + 1)
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
