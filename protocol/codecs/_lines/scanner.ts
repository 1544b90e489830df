import { MessageTooLargeError } from "../../errors.ts";
import { ownCopy } from "../_util/own_copy.ts";
import { decodeUTF8, tryDecodeUTF8 } from "../_util/utf8.ts";
import type { CodecInput } from "../codec_input.ts";

const CR = 0x0d;
const LF = 0x0a;
const RUN_BYTES = 64 * 1024;

/** What a scanner of lines is to do. */
export interface LineScannerOptions {
  /** The most bytes of a line, without its end. */
  limit: number;
  /** Whether bytes that are not UTF-8 become U+FFFD. */
  lenient?: boolean | undefined;
  /** Whether the application keeps lines, so that none may refer to its run. */
  own?: boolean | undefined;
}

/**
 * Finds the lines at the front of the input, as text without their ends: LF, or
 * CR LF.
 *
 * A run of complete lines is decoded at once, which is faster than to decode each
 * by itself. The bytes are consumed line by line, so that at any time another
 * codec can go on with the input.
 */
export class LineScanner {
  readonly #limit: number;
  readonly #lenient: boolean;
  readonly #own: boolean;
  /** The other fields are about this input, and start afresh with another one. */
  #input: CodecInput | undefined;
  /** The text of a run, and where its next line begins, in it and in the stream. */
  #run = "";
  #at = 0;
  #offset = 0;
  /** Whether positions in the run are positions in its bytes. */
  #ascii = false;
  /** Lines before this offset are in the run, or are decoded one by one. */
  #runEnd = 0;
  /** No line ends behind the run and before this offset. */
  #searched = 0;
  /** Where in the run the line behind the last one begins. */
  #next = 0;
  #size = 0;
  #endsInCR = false;

  constructor(options: LineScannerOptions) {
    const { limit, lenient = false, own = false } = options;
    this.#limit = limit;
    this.#lenient = lenient;
    this.#own = own;
  }

  /** The number of bytes of the last line, its end included. */
  get size(): number {
    return this.#size;
  }

  /** Whether a CR stands before the end of the last line. */
  get endsInCR(): boolean {
    return this.#endsInCR;
  }

  /**
   * The line at the front, or `undefined` if it is not complete.
   *
   * @throws {DecodeError} It is not UTF-8.
   * @throws {MessageTooLargeError} It is larger than the limit.
   */
  line(input: CodecInput): string | undefined {
    const line = this.lineOfRun(input);
    if (line !== undefined) return line;
    const inRun = this.#at < this.#run.length;
    if (inRun || input.offset >= this.#runEnd) {
      // A CR behind the limit may be a part of the line's end.
      const hasCR = !inRun && input.at(input.length - 1) === CR;
      this.#assertFits(input.length - (hasCR ? 1 : 0), input);
      return undefined;
    }
    this.#size = input.indexOf(LF) + 1;
    this.#endsInCR = input.at(this.#size - 2) === CR;
    const length = this.#size - (this.#endsInCR ? 2 : 1);
    this.#assertFits(length, input);
    return this.#decode(length, input);
  }

  /**
   * Like `line`, but also `undefined` if the line is too large, or not in a run of
   * UTF-8.
   */
  lineOfRun(input: CodecInput): string | undefined {
    if (input.offset !== this.#offset || input !== this.#input) {
      this.#follow(input);
    }
    if (this.#at === this.#run.length && !this.#load(input)) return undefined;
    const at = this.#at;
    const end = this.#run.indexOf("\n", at);
    const size = this.#ascii ? end + 1 - at : input.indexOf(LF) + 1;
    const hasCR = end > at && this.#run.charCodeAt(end - 1) === CR;
    if (size - (hasCR ? 2 : 1) > this.#limit) return undefined;
    this.#size = size;
    this.#endsInCR = hasCR;
    this.#next = end + 1;
    const line = this.#run.slice(at, hasCR ? end - 1 : end);
    return this.#own ? ownCopy(line, this.#run) : line;
  }

  /**
   * All of the input as the last line, which has no end, or half of one.
   *
   * @throws {DecodeError} It is not UTF-8.
   * @throws {MessageTooLargeError} It is larger than the limit.
   */
  rest(input: CodecInput): string {
    this.#size = input.length;
    this.#endsInCR = input.at(this.#size - 1) === CR;
    const length = this.#size - (this.#endsInCR ? 1 : 0);
    this.#assertFits(length, input);
    return this.#decode(length, input);
  }

  /** Takes the last line from the input. */
  take(input: CodecInput): void {
    input.consume(this.#size);
    if (this.#at < this.#run.length) this.#at = this.#next;
    this.#offset = input.offset;
  }

  /** The front has moved otherwise than by `take`. */
  #follow(input: CodecInput): void {
    if (input !== this.#input) {
      this.#input = input;
      this.#runEnd = this.#searched = 0;
      this.#run = "";
    }
    const left = this.#runEnd - input.offset;
    this.#at = this.#ascii && left > 0
      ? this.#run.length - left
      : this.#run.length;
    this.#offset = input.offset;
  }

  /** Makes a run of all complete lines; false if there is none. */
  #load(input: CodecInput): boolean {
    const { offset } = input;
    // A run that has been used up may be huge: none of it is kept.
    this.#run = "";
    this.#at = 0;
    if (offset < this.#runEnd) return false;
    let from = Math.max(0, this.#searched - offset);
    while (from < input.length && from < this.#limit + 2) {
      const window = input.subarray(from, from + RUN_BYTES);
      const end = window.lastIndexOf(LF);
      if (end >= 0) {
        const bytes = input.subarray(0, from + end + 1);
        this.#searched = offset + from + window.length;
        this.#runEnd = offset + bytes.length;
        this.#run = tryDecodeUTF8(bytes, this.#lenient) ?? "";
        this.#ascii = this.#run.length === bytes.length;
        this.#at = 0;
        return this.#run.length > 0;
      }
      from += window.length;
      this.#searched = offset + from;
    }
    return false;
  }

  #assertFits(length: number, input: CodecInput): void {
    if (length > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
  }

  #decode(length: number, input: CodecInput): string {
    const bytes = input.subarray(0, length);
    return decodeUTF8(bytes, input.offset, this.#lenient);
  }
}
