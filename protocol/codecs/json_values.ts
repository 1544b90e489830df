import { MessageTooLargeError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { isOpening, JSONSplitter } from "./_json/splitter.ts";
import { JSONText } from "./_json/text.ts";
import { LineScanner } from "./_lines/scanner.ts";
import type {
  CodecOptions,
  JSONOptions,
  TextOptions,
  UnterminatedOptions,
} from "./options.ts";
import { booleanOption, messageLimit } from "./_util/options.ts";
import { decodeUTF8 } from "./_util/utf8.ts";

/** A number, or the beginning of one. */
const NUMBER = /^[-\d][-+.eE\d]*$/;

/** Options of {@linkcode jsonValues}. */
export interface JSONValuesOptions
  extends CodecOptions, JSONOptions, TextOptions, UnterminatedOptions {}

/**
 * JSON texts one after another: each on a line, spread over many lines, several on
 * one, or with nothing between them. Blanks around a text are skipped and do not
 * count towards the limit. On output a newline follows each text.
 *
 * The end of a number shows in what follows. At the end of the stream a number is
 * truncated, because more digits may have been on their way, unless
 * `allowUnterminated` is set. `true`, `false` and `null` may end with the stream.
 *
 * `T` is what the peer is trusted to send: it is not checked. Decoding raises
 * {@linkcode MessageTooLargeError}, and {@linkcode DecodeError} for a text that is
 * not UTF-8 or not JSON. Encoding raises a `TypeError` for a message that has no
 * JSON text.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example Texts in any layout
 * ```ts
 * import { decoderStream, jsonValues } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(['{\n  "id": 1\n}\r\n{"id":2}{"id":3} true']).stream();
 * const messages = stream.pipeThrough(decoderStream(jsonValues()));
 * assertEquals(await Array.fromAsync(messages), [
 *   { id: 1 },
 *   { id: 2 },
 *   { id: 3 },
 *   true,
 * ]);
 * ```
 */
export function jsonValues<T = unknown>(
  options: JSONValuesOptions = {},
): Codec<T> {
  return new JSONValues<T>(options);
}

class JSONValues<T> implements Codec<T> {
  readonly #limit: number;
  readonly #json: JSONText;
  readonly #lenient: boolean;
  readonly #allowUnterminated: boolean;
  readonly #scanner: LineScanner;
  readonly #splitter = new JSONSplitter();
  /** A line ends at this offset that is known not to be one text. */
  #splitUntil = 0;

  constructor(options: JSONValuesOptions) {
    const { allowUnterminated = false, lenientUTF8 = false } = options;
    this.#limit = messageLimit(options);
    this.#json = new JSONText(options);
    this.#lenient = booleanOption("lenientUTF8", lenientUTF8);
    this.#allowUnterminated = booleanOption(
      "allowUnterminated",
      allowUnterminated,
    );
    this.#scanner = new LineScanner({
      limit: this.#limit,
      lenient: this.#lenient,
    });
  }

  decode(input: CodecInput): T | undefined {
    skipBlanks(input);
    if (input.length === 0) return undefined;
    if (!this.#splitter.within(input) && input.offset >= this.#splitUntil) {
      const message = this.#decodeLine(input);
      if (message !== undefined) return message;
    }
    const end = this.#splitter.split(input, this.#limit + 1);
    if (end > this.#limit || end < 0 && input.length > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    return end < 0 ? undefined : this.#take(input, end);
  }

  end(input: CodecInput): T | undefined {
    const { length, offset } = input;
    if (length === 0 || isOpening(input.at(0))) return undefined;
    const text = decodeUTF8(input.subarray(), offset, this.#lenient);
    if (NUMBER.test(text) && !this.#allowUnterminated) return undefined;
    return this.#take(input, length);
  }

  encode(message: T, output: CodecOutput): void {
    output.text(this.#json.stringify(message) + "\n");
  }

  /** The message of a line that is just one text: the usual case, and a fast one. */
  #decodeLine(input: CodecInput): T | undefined {
    const line = this.#scanner.lineOfRun(input);
    if (line === undefined || !looksWhole(line)) return undefined;
    try {
      const message = this.#json.parse(line) as T;
      this.#scanner.take(input);
      return message;
    } catch {
      this.#splitUntil = input.offset + this.#scanner.size;
      return undefined;
    }
  }

  #take(input: CodecInput, length: number): T {
    const { offset } = input;
    const bytes = input.subarray(0, length);
    const text = decodeUTF8(bytes, offset, this.#lenient);
    const message = this.#json.decode(text, offset, () => input.subarray());
    input.consume(length);
    return message as T;
  }
}

function looksWhole(line: string): boolean {
  return line.startsWith("{") && line.endsWith("}") ||
    line.startsWith("[") && line.endsWith("]");
}

function skipBlanks(input: CodecInput): void {
  let count = 0;
  while (isBlank(input.at(count))) count++;
  if (count > 0) input.consume(count);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
