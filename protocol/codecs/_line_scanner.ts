import { decodeUTF8, tryDecodeUTF8 } from "./_utf8.ts";
import type { ReadBuffer } from "./read_buffer.ts";

const CR = 0x0d;
const LF = 0x0a;
const RUN_BYTES = 64 * 1024;

/**
 * Finds the lines at the front of a buffer, as text without their ends.
 *
 * A run of complete lines is decoded at once: 80-byte lines come 1.8 times as
 * fast as decoded one by one. Where the run is ASCII, which its length tells, a
 * position in the text is one in the bytes, so that nothing but the caller ever
 * consumes the bytes, line by line.
 */
export class LineScanner {
  readonly #limit: number;
  /** What the rest is about: another buffer starts afresh. */
  #input: ReadBuffer | undefined;
  /** The text of an ASCII run, and its place in the stream. */
  #run = "";
  #runOffset = 0;
  /** Before this offset, lines are decoded one by one. */
  #eachUntil = 0;
  /** Before this offset, and after the last run, there is no end of a line. */
  #searched = 0;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
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
  line(input: ReadBuffer): string | undefined {
    const line = this.asciiLine(input);
    if (line !== undefined || input.offset >= this.#eachUntil) return line;
    const end = input.indexOf(LF);
    const length = input.at(end - 1) === CR ? end - 1 : end;
    if (length > this.#limit) return undefined;
    this.#size = end + 1;
    return decodeUTF8(input.subarray(0, length), input.offset);
  }

  /** Like `line`, `undefined` also when it does not belong to a run of ASCII. */
  asciiLine(input: ReadBuffer): string | undefined {
    if (input !== this.#input) this.#reset(input);
    let start = input.offset - this.#runOffset;
    if (start >= this.#run.length) {
      if (!this.#load(input)) return undefined;
      start = 0;
    }
    const end = this.#run.indexOf("\n", start);
    const content = end > start && this.#run.charCodeAt(end - 1) === CR
      ? end - 1
      : end;
    if (content - start > this.#limit) return undefined;
    this.#size = end + 1 - start;
    return this.#run.slice(start, content);
  }

  #reset(input: ReadBuffer): void {
    this.#input = input;
    this.#run = "";
    this.#runOffset = this.#eachUntil = this.#searched = 0;
  }

  /** Takes all complete lines as the next run; false when they are not ASCII, or none. */
  #load(input: ReadBuffer): boolean {
    const { offset } = input;
    if (offset < this.#eachUntil) return false;
    let from = Math.max(0, this.#searched - offset);
    while (from < input.length && from < this.#limit + 2) {
      const window = input.subarray(from, from + RUN_BYTES);
      const end = window.lastIndexOf(LF);
      if (end >= 0) {
        const bytes = input.subarray(0, from + end + 1);
        this.#searched = offset + from + window.length;
        const text = tryDecodeUTF8(bytes);
        if (text?.length !== bytes.length) {
          this.#eachUntil = offset + bytes.length;
          return false;
        }
        this.#run = text;
        this.#runOffset = offset;
        return true;
      }
      from += window.length;
      this.#searched = offset + from;
    }
    return false;
  }
}
