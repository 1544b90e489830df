import { MessageTooLargeError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import { LineScanner } from "./_lines/scanner.ts";
import { messageLimit } from "./_util/options.ts";
import { assertUnicode } from "./_util/utf8.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions } from "./options.ts";

const CR = 0x0d;
const LF = 0x0a;

/** Options of {@linkcode lines}. */
export type LinesOptions = CodecOptions;

/**
 * Lines of UTF-8 text. On input a line ends in LF or CR LF, which do not count
 * towards the limit; on output in LF. A last line without an end is truncated.
 *
 * Decoding raises {@linkcode MessageTooLargeError} and
 * {@linkcode DecodeError}. Encoding raises a `TypeError` for a message that
 * would not come back as it is: one with an LF in it, a CR at its end, or a lone
 * surrogate.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is no integer of at least 1.
 *
 * @example Lines of a stream
 * ```ts
 * import { decoderStream, lines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(["one\r\ntwo\n"]).stream();
 * const messages = stream.pipeThrough(decoderStream(lines()));
 * assertEquals(await Array.fromAsync(messages), ["one", "two"]);
 * ```
 */
export function lines(options: LinesOptions = {}): Codec<string> {
  return new Lines(messageLimit(options));
}

class Lines implements Codec<string> {
  readonly #limit: number;
  readonly #scanner: LineScanner;

  constructor(limit: number) {
    this.#limit = limit;
    this.#scanner = new LineScanner(limit, true);
  }

  decode(input: CodecInput): string | undefined {
    const line = this.#scanner.line(input);
    if (line === undefined) assertLineFits(input, this.#limit);
    else this.#scanner.take(input);
    return line;
  }

  encode(message: string, output: CodecOutput): void {
    assertUnicode(message);
    if (message.includes("\n")) {
      throw new TypeError("Cannot encode: message has a newline in it");
    }
    if (message.endsWith("\r")) {
      throw new TypeError("Cannot encode: message ends in a carriage return");
    }
    output.text(message);
    output.byte(LF);
  }
}

/** Refuses a line that has no end yet, or none in time, and is over the limit. */
export function assertLineFits(input: CodecInput, limit: number): void {
  const { length, offset } = input;
  if (length <= limit) return;
  // A carriage return may yet turn out to belong to the line's end.
  if (length === limit + 1 && input.at(limit) === CR) return;
  throw new MessageTooLargeError(limit, offset);
}
