import type { ProtocolError } from "../errors.ts";
import type { Codec } from "./codec.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { JSONText } from "./_json/text.ts";
import { LineScanner } from "./_lines/scanner.ts";
import type {
  BadMessageOptions,
  CodecOptions,
  DeliverBadMessages,
  JSONOptions,
  TextOptions,
  UnterminatedOptions,
} from "./options.ts";
import { withBadMessages } from "./_util/bad_messages.ts";
import { booleanOption, messageLimit } from "./_util/options.ts";

const LF = Uint8Array.of(0x0a);

/** Options of {@linkcode jsonLines}. */
export interface JSONLinesOptions
  extends
    CodecOptions,
    JSONOptions,
    TextOptions,
    UnterminatedOptions,
    BadMessageOptions {}

/**
 * JSON texts of one line each. On input a line ends in LF or CR LF, which do not
 * count towards the limit, and blank lines are skipped. On output it ends in LF.
 *
 * `T` is what the peer is trusted to send: it is not checked. Decoding raises
 * {@linkcode MessageTooLargeError}, and {@linkcode DecodeError} for a line that is
 * not UTF-8 or not JSON. Encoding raises a `TypeError` for a message that has no
 * JSON text.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example Integers of 64 bits
 * ```ts
 * import { decoderStream, jsonLines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(['{"size":9223372036854775807}\n']).stream();
 * const codec = jsonLines<{ size: bigint }>({ bigint: true });
 * for await (const { size } of stream.pipeThrough(decoderStream(codec))) {
 *   assertEquals(size, 2n ** 63n - 1n);
 * }
 * ```
 *
 * @example A stream with bad lines
 * ```ts
 * import { decoderStream, jsonLines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(['{"id":1}\noops\n{"id":2}\n']).stream();
 * const codec = jsonLines({ badMessages: "deliver" });
 * const messages = stream.pipeThrough(decoderStream(codec));
 * const [first, bad, last] = await Array.fromAsync(messages);
 * assertEquals([first, last], [{ id: 1 }, { id: 2 }]);
 * assertEquals(`${bad}`, 'DecodeError: Message is not JSON at offset 9: "oops\\n"');
 * ```
 */
export function jsonLines<T = unknown>(
  options: JSONLinesOptions & DeliverBadMessages,
): Codec<T | ProtocolError, T>;
/** JSON texts of one line each; a bad one is thrown or skipped. */
export function jsonLines<T = unknown>(options?: JSONLinesOptions): Codec<T>;
export function jsonLines<T = unknown>(
  options: JSONLinesOptions = {},
): Codec<T | ProtocolError, T> {
  return withBadMessages(new JSONLines<T>(options), LF, options);
}

class JSONLines<T> implements Codec<T> {
  readonly #scanner: LineScanner;
  readonly #json: JSONText;
  readonly #allowUnterminated: boolean;

  constructor(options: JSONLinesOptions) {
    const { allowUnterminated = false, lenientUTF8 = false } = options;
    this.#scanner = new LineScanner({
      limit: messageLimit(options),
      lenient: booleanOption("lenientUTF8", lenientUTF8),
    });
    this.#json = new JSONText(options);
    this.#allowUnterminated = booleanOption(
      "allowUnterminated",
      allowUnterminated,
    );
  }

  decode(input: CodecInput): T | undefined {
    let line = this.#scanner.line(input);
    while (line !== undefined && isBlank(line)) {
      this.#scanner.take(input);
      line = this.#scanner.line(input);
    }
    return line === undefined ? undefined : this.#parse(line, input);
  }

  end(input: CodecInput): T | undefined {
    if (!this.#allowUnterminated || input.length === 0) return undefined;
    const line = this.#scanner.rest(input);
    if (!isBlank(line)) return this.#parse(line, input);
    this.#scanner.take(input);
    return undefined;
  }

  encode(message: T, output: CodecOutput): void {
    output.text(this.#json.stringify(message) + "\n");
  }

  #parse(line: string, input: CodecInput): T {
    const message = this.#json.decode(
      line,
      input.offset,
      () => input.subarray(0, this.#scanner.size),
    );
    this.#scanner.take(input);
    return message as T;
  }
}

function isBlank(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code !== 0x20 && code !== 0x09) return false;
  }
  return true;
}
