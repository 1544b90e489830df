import { ownCopy } from "../_util/own_copy.ts";
import { decodeUTF8, tryDecodeUTF8 } from "../_util/utf8.ts";
import type { CodecInput } from "../codec_input.ts";

const CR = 0x0d;
const LF = 0x0a;
const RUN_BYTES = 64 * 1024;

/**
 * Finds the lines at the front of a buffer, as text without their ends.
 *
 * A run of complete lines is decoded at once: 80-byte lines come twice as fast
 * as decoded one by one. The bytes are still consumed line by line, so that the
 * buffer tells at any time what is left for another codec.
 */
export class LineScanner {
  readonly #limit: number;
  readonly #own: boolean;
  /** What the rest is about: another buffer starts afresh. */
  #input: CodecInput | undefined;
  /** The text of a run, and where its next line begins, in it and in the stream. */
  #run = "";
  #at = 0;
  #offset = 0;
  /** Whether a position in the text is one in the bytes: its length tells. */
  #ascii = false;
  /** Before this offset, lines are in the run or else decoded one by one. */
  #runEnd = 0;
  /** Before this offset, and after the run, there is no end of a line. */
  #searched = 0;
  /** The line last given: its bytes, and where in the run the next one begins. */
  #size = 0;
  #next = 0;

  /**
   * @param limit The most bytes of a line, without its end.
   * @param own Whether the lines are kept, so that none may keep its run.
   */
  constructor(limit: number, own = false) {
    this.#limit = limit;
    this.#own = own;
  }

  /** The bytes of the line last given, its end included. */
  get size(): number {
    return this.#size;
  }

  /**
   * The line at the front, or `undefined` when it is not complete or larger than
   * the limit.
   *
   * @throws {DecodeError} It is not UTF-8.
   */
  line(input: CodecInput): string | undefined {
    const line = this.lineOfRun(input);
    if (line !== undefined || this.#at < this.#run.length) return line;
    if (input.offset >= this.#runEnd) return undefined;
    const size = input.indexOf(LF) + 1;
    const length = input.at(size - 2) === CR ? size - 2 : size - 1;
    if (length > this.#limit) return undefined;
    this.#size = size;
    return decodeUTF8(input.subarray(0, length), input.offset);
  }

  /** Like `line`, `undefined` also when it does not belong to a run of UTF-8. */
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
    this.#next = end + 1;
    const line = this.#run.slice(at, hasCR ? end - 1 : end);
    return this.#own ? ownCopy(line, this.#run) : line;
  }

  /** Takes the line last given from the buffer. */
  take(input: CodecInput): void {
    input.consume(this.#size);
    if (this.#at < this.#run.length) this.#at = this.#next;
    this.#offset = input.offset;
  }

  /** The front has moved by other ways than `take`. */
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

  /** Takes all complete lines as the next run; false when there is none. */
  #load(input: CodecInput): boolean {
    const { offset } = input;
    // Nothing is kept of a run that has been used up: it may have been huge.
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
        this.#run = tryDecodeUTF8(bytes) ?? "";
        this.#ascii = this.#run.length === bytes.length;
        this.#at = 0;
        return this.#run.length > 0;
      }
      from += window.length;
      this.#searched = offset + from;
    }
    return false;
  }
}
