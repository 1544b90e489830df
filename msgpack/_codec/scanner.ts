import { MessageTooLargeError } from "../../protocol/errors.ts";
import type { CodecInput } from "../../protocol/codecs/codec_input.ts";
import { type Header, headerAt } from "./header.ts";

/** Deeper values than this are refused: each level takes memory to decode. */
export const MAX_DEPTH = 1000;

/**
 * Finds the end of the value at the front of a buffer, without decoding it. A
 * MessagePack value does not contain its size, so its headers are scanned; the
 * scan resumes at the same position when more bytes arrive.
 */
export class ValueScanner {
  readonly #limit: number;
  #input: CodecInput | undefined;
  #offset = -1;
  /** Where the next header begins. */
  #at = 0;
  /** How many values are still to come, at each level. */
  #open: number[] = [];
  /** How many values are still to come, in all. */
  #pending = 0;

  /** @param limit The largest value, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * The size of the value at the front, or -1 if it is not complete.
   *
   * @throws {MessageTooLargeError} It, or its announced size, exceeds the limit.
   * @throws {DecodeError} It is nested too deep, or begins with 0xc1.
   */
  scan(input: CodecInput): number {
    if (input !== this.#input || input.offset !== this.#offset) {
      this.#input = input;
      this.#offset = input.offset;
      this.#at = 0;
      this.#open = [1];
      this.#pending = 1;
    }
    while (this.#open.length > 0) {
      const header = headerAt(input, this.#at);
      if (!header) return -1;
      this.#enter(header, input);
    }
    if (!input.expect(this.#at)) return -1;
    this.#offset = -1;
    return this.#at;
  }

  #enter({ size, payload, values }: Header, input: CodecInput): void {
    this.#at += size + payload;
    this.#pending += values - 1;
    // Each announced value takes at least one byte.
    if (this.#at + this.#pending > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    const last = this.#open.length - 1;
    this.#open[last] = (this.#open[last] ?? 0) - 1;
    if (values > 0) {
      this.#open.push(values);
      if (this.#open.length > MAX_DEPTH) {
        throw input.malformed(`Message is nested deeper than ${MAX_DEPTH}`);
      }
    }
    while (this.#open.at(-1) === 0) this.#open.pop();
  }
}
