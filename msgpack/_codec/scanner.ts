import { DecodeError, MessageTooLargeError } from "../../protocol/errors.ts";
import type { CodecInput } from "../../protocol/codecs/codec_input.ts";

/** Deeper values than this are refused: each level takes memory to decode. */
export const MAX_DEPTH = 1000;

/** A value's header: its own bytes, the bytes behind it, and the values in it. */
interface Header {
  readonly size: number;
  readonly payload: number;
  readonly values: number;
}

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

/** The header at a position (MessagePack specification, "Formats"). */
function headerAt(input: CodecInput, at: number): Header | undefined {
  const byte = input.at(at);
  if (byte === undefined) return undefined;
  if (byte <= 0x7f || byte >= 0xe0) return scalar(0);
  if (byte <= 0x8f) return { size: 1, payload: 0, values: 2 * (byte & 0x0f) };
  if (byte <= 0x9f) return { size: 1, payload: 0, values: byte & 0x0f };
  if (byte <= 0xbf) return scalar(byte & 0x1f);
  switch (byte) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return scalar(0);
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return scalar(1);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return scalar(2);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return scalar(4);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return scalar(8);
    case 0xd4: // fixext 1, 2, 4, 8, 16: a type byte before the data
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return scalar(1 + 2 ** (byte - 0xd4));
    case 0xc4: // bin 8, 16, 32
    case 0xc5:
    case 0xc6:
      return sized(input, at, 2 ** (byte - 0xc4), 0);
    case 0xc7: // ext 8, 16, 32: a type byte before the data
    case 0xc8:
    case 0xc9:
      return sized(input, at, 2 ** (byte - 0xc7), 1);
    case 0xd9: // str 8, 16, 32
    case 0xda:
    case 0xdb:
      return sized(input, at, 2 ** (byte - 0xd9), 0);
    case 0xdc: // array 16, 32
    case 0xdd:
      return counted(input, at, 2 ** (byte - 0xdb), 1);
    case 0xde: // map 16, 32
    case 0xdf:
      return counted(input, at, 2 ** (byte - 0xdd), 2);
    default:
      throw new DecodeError("Message has a byte that is never used", {
        offset: input.offset,
        bytes: input.subarray(at),
      });
  }
}

function scalar(payload: number): Header {
  return { size: 1, payload, values: 0 };
}

/** A header whose length of so many bytes counts the bytes behind it. */
function sized(
  input: CodecInput,
  at: number,
  bytes: number,
  extra: number,
): Header | undefined {
  const length = uintAt(input, at + 1, bytes);
  if (length === undefined) return undefined;
  return { size: 1 + bytes, payload: length + extra, values: 0 };
}

/** A header whose length of so many bytes counts the values in it. */
function counted(
  input: CodecInput,
  at: number,
  bytes: number,
  factor: number,
): Header | undefined {
  const count = uintAt(input, at + 1, bytes);
  if (count === undefined) return undefined;
  return { size: 1 + bytes, payload: 0, values: factor * count };
}

function uintAt(
  input: CodecInput,
  at: number,
  bytes: number,
): number | undefined {
  if (input.length < at + bytes) return undefined;
  return Number(input.uint(at, bytes));
}
