import { assertLineFits } from "./lines.ts";
import type { Codec } from "./codec.ts";
import { JSONText } from "./_json/text.ts";
import { LineScanner } from "./_lines/scanner.ts";
import { messageLimit } from "./_util/options.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions, JSONOptions } from "./options.ts";

/** Options of {@linkcode jsonLines}. */
export interface JSONLinesOptions extends CodecOptions, JSONOptions {}

/**
 * JSON texts of one line each. On input a line ends in LF or CR LF, which do not
 * count towards the limit, and blank lines are skipped; on output in LF. A last
 * line without an end is truncated.
 *
 * `T` is what the peer is trusted to send: it is not checked. Decoding raises
 * {@linkcode MessageTooLargeError} and {@linkcode DecodeError}. Encoding raises a
 * `TypeError` for a message that has no JSON text.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is no integer of at least 1.
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
 */
export function jsonLines<T = unknown>(
  options: JSONLinesOptions = {},
): Codec<T> {
  return new JSONLines<T>(messageLimit(options), new JSONText(options));
}

class JSONLines<T> implements Codec<T> {
  readonly #limit: number;
  readonly #scanner: LineScanner;
  readonly #json: JSONText;

  constructor(limit: number, json: JSONText) {
    this.#limit = limit;
    this.#scanner = new LineScanner(limit);
    this.#json = json;
  }

  decode(input: CodecInput): T | undefined {
    let line = this.#scanner.line(input);
    while (line !== undefined && isBlank(line)) {
      this.#scanner.take(input);
      line = this.#scanner.line(input);
    }
    if (line === undefined) {
      assertLineFits(input, this.#limit);
      return undefined;
    }
    const message = this.#json.decode(
      line,
      input.offset,
      () => input.subarray(0, this.#scanner.size),
    );
    this.#scanner.take(input);
    return message as T;
  }

  encode(message: T, output: CodecOutput): void {
    output.text(this.#json.stringify(message) + "\n");
  }
}

function isBlank(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code !== 0x20 && code !== 0x09) return false;
  }
  return true;
}
