import { MessageTooLargeError } from "../errors.ts";
import { assertBytes } from "./_frames/assert_bytes.ts";
import type { Codec } from "./codec.ts";
import { type Frame, Frames } from "./_frames/frames.ts";
import { messageLimit } from "./_util/options.ts";
import { tryDecodeUTF8 } from "./_util/utf8.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import type { CodecOptions } from "./options.ts";

const CR = 0x0d;
const LF = 0x0a;
const MAX_HEADER_BYTES = 4 * 1024;
/** A field in printable ASCII, whose name is a token (RFC 9110 §5.6.2). */
const FIELD = /^[!#$%&'*+.^_`|~\w-]+:[\t -~]*$/;
const LENGTH_FIELD = /^content-length:/i;

/** Options of {@linkcode contentLength}. */
export type ContentLengthOptions = CodecOptions;

/**
 * Frames of bytes behind a header, as in the Language Server Protocol: a field
 * `Content-Length` with the number of bytes, perhaps other fields, which are
 * skipped, and an empty line. Each line ends in CR LF. A frame is a copy: it stays
 * as it is.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as the length says so or
 * the header has more than 4 KiB, and {@linkcode DecodeError} for a header that is
 * malformed, has bytes beyond ASCII, or does not have just one `Content-Length`.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example Messages of a language server
 * ```ts
 * import { contentLength, decoderStream, json } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const stream = new Blob(['Content-Length: 8\r\n\r\n{"id":1}']).stream();
 * const messages = stream.pipeThrough(decoderStream(json(contentLength())));
 * assertEquals(await Array.fromAsync(messages), [{ id: 1 }]);
 * ```
 */
export function contentLength(
  options: ContentLengthOptions = {},
): Codec<Uint8Array> {
  return new ContentLength(messageLimit(options));
}

class ContentLength extends Frames {
  readonly #limit: number;
  /** The other fields are about the header here, and start afresh with another. */
  #input: CodecInput | undefined;
  #offset = -1;
  /** Where the next line of the header begins, or behind the header the content. */
  #start = 0;
  #searched = 0;
  #inHeader = true;
  #length: number | undefined;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  protected override find(input: CodecInput): Frame | undefined {
    if (input.offset !== this.#offset || input !== this.#input) {
      this.#reset(input);
    }
    while (this.#inHeader) if (!this.#decodeLine(input)) return undefined;
    if (this.#length === undefined) {
      throw input.malformed("Header has no Content-Length, expected one");
    }
    const end = this.#start + this.#length;
    if (!input.expect(end)) return undefined;
    return { start: this.#start, end, size: end };
  }

  override encode(message: Uint8Array, output: CodecOutput): void {
    assertBytes(message);
    output.text(`Content-Length: ${message.length}\r\n\r\n`);
    output.bytes(message);
  }

  #reset(input: CodecInput): void {
    this.#input = input;
    this.#offset = input.offset;
    this.#start = this.#searched = 0;
    this.#inHeader = true;
    this.#length = undefined;
  }

  /** Decodes the next line of the header; false if it is not complete. */
  #decodeLine(input: CodecInput): boolean {
    const end = input.indexOf(LF, this.#searched);
    const size = end < 0 ? input.length : end + 1;
    if (size > MAX_HEADER_BYTES) {
      const limitName = "the size of a header";
      throw new MessageTooLargeError(MAX_HEADER_BYTES, input.offset, {
        limitName,
      });
    }
    if (end >= 0) {
      if (end === this.#start || input.at(end - 1) !== CR) {
        throw input.malformed("Line of a header ends in LF, expected CR LF");
      }
      const line = input.subarray(this.#start, end - 1);
      if (line.length === 0) this.#inHeader = false;
      else this.#decodeField(input, tryDecodeUTF8(line) ?? "");
      this.#start = size;
    }
    this.#searched = size;
    return end >= 0;
  }

  #decodeField(input: CodecInput, line: string): void {
    if (!FIELD.test(line)) throw input.malformed("Header is malformed");
    if (!LENGTH_FIELD.test(line)) return;
    if (this.#length !== undefined) {
      throw input.malformed(
        "Header has two fields Content-Length, expected one",
      );
    }
    const value = line.slice(line.indexOf(":") + 1).trim();
    if (!/^\d+$/.test(value)) {
      throw input.malformed("Content-Length is malformed, expected digits");
    }
    const length = Number(value);
    if (length > this.#limit || !Number.isSafeInteger(length)) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    this.#length = length;
  }
}
