import { DecodeError, type ProtocolError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput } from "./codec_input.ts";
import { LineScanner } from "./_lines/scanner.ts";
import type {
  BadMessageOptions,
  CodecOptions,
  DeliverBadMessages,
  TextOptions,
  UnterminatedOptions,
} from "./options.ts";
import { withBadMessages } from "./_util/bad_messages.ts";
import { booleanOption, choiceOption, messageLimit } from "./_util/options.ts";
import { assertUnicode } from "./_util/utf8.ts";

const NEWLINES = ["\n", "\r\n"] as const;

/** Options of {@linkcode lines}. */
export interface LinesOptions
  extends CodecOptions, TextOptions, UnterminatedOptions, BadMessageOptions {
  /**
   * What ends a line. With LF, input may also end a line in CR LF. With CR LF, a CR
   * or an LF that stands alone is an error in both directions: a peer that takes it
   * for the end of a line would see two lines where the other one sees one, which
   * is how messages are smuggled.
   *
   * @default {"\n"}
   */
  newline?: "\n" | "\r\n" | undefined;
}

/**
 * Lines of UTF-8 text. Their ends do not count towards the limit.
 *
 * Decoding raises {@linkcode MessageTooLargeError}, and {@linkcode DecodeError} for
 * bytes that are not UTF-8. Encoding raises a `TypeError` for a message that would
 * not come back as it is: one with an LF in it, a CR at its end, or a lone
 * surrogate.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
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
export function lines(
  options: LinesOptions & DeliverBadMessages,
): Codec<string | ProtocolError, string>;
/** Lines of UTF-8 text; a bad one is thrown or skipped. */
export function lines(options?: LinesOptions): Codec<string>;
export function lines(
  options: LinesOptions = {},
): Codec<string | ProtocolError, string> {
  const { newline = "\n" } = options;
  choiceOption("newline", newline, NEWLINES);
  const delimiter = new TextEncoder().encode(newline);
  return withBadMessages(new Lines(options), delimiter, options);
}

class Lines implements Codec<string> {
  readonly encode: Codec<string>["encode"];
  readonly #scanner: LineScanner;
  readonly #allowUnterminated: boolean;
  readonly #strict: boolean;

  constructor(options: LinesOptions) {
    const {
      newline = "\n",
      allowUnterminated = false,
      lenientUTF8 = false,
    } = options;
    this.#scanner = new LineScanner({
      limit: messageLimit(options),
      lenient: booleanOption("lenientUTF8", lenientUTF8),
      own: true,
    });
    this.#allowUnterminated = booleanOption(
      "allowUnterminated",
      allowUnterminated,
    );
    this.#strict = newline === "\r\n";
    this.encode = encoderOf(newline);
  }

  decode(input: CodecInput): string | undefined {
    const line = this.#scanner.line(input);
    if (line === undefined) return undefined;
    if (this.#strict) {
      if (!this.#scanner.endsInCR) {
        throw this.#malformed("Line ends in LF, expected CR LF", input);
      }
      this.#assertOneLine(line, input);
    }
    this.#scanner.take(input);
    return line;
  }

  end(input: CodecInput): string | undefined {
    if (!this.#allowUnterminated || input.length === 0) return undefined;
    const line = this.#scanner.rest(input);
    if (this.#strict) this.#assertOneLine(line, input);
    this.#scanner.take(input);
    return line;
  }

  #assertOneLine(line: string, input: CodecInput): void {
    if (line.includes("\r")) {
      throw this.#malformed("Line has a CR in it, expected CR LF", input);
    }
  }

  #malformed(message: string, input: CodecInput): DecodeError {
    const bytes = input.subarray(0, this.#scanner.size);
    return new DecodeError(message, { offset: input.offset, bytes });
  }
}

function encoderOf(newline: "\n" | "\r\n"): Codec<string>["encode"] {
  return (message, output) => {
    assertUnicode(message);
    if (message.includes("\n")) {
      throw new TypeError("Cannot encode: message has a newline in it");
    }
    if (newline === "\r\n" && message.includes("\r")) {
      throw new TypeError("Cannot encode: message has a carriage return in it");
    }
    if (message.endsWith("\r")) {
      throw new TypeError("Cannot encode: message ends in a carriage return");
    }
    output.text(message);
    output.text(newline);
  };
}
