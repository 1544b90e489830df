import { DecodeError, MessageTooLargeError } from "../../errors.ts";
import type { CodecInput } from "../codec_input.ts";

export const TEXT = 0x1;
export const BINARY = 0x2;
const CONTINUATION = 0x0;
/**
 * A frame of one byte has three at the most: a message with more bytes than so many
 * times the limit is made of empty frames, which a limit of the payload never ends.
 */
const MAX_FRAMING = 3;

/** A message whose frames have all arrived. */
export interface ScannedMessage {
  readonly opcode: number;
  /** Where the payload of each frame is, from the front of the input. */
  readonly parts: readonly (readonly [start: number, end: number])[];
  /** The bytes of the payload. */
  readonly length: number;
  /** The bytes of the frames. */
  readonly size: number;
}

/**
 * Finds the frames of the message at the front of the input (RFC 6455 §5.2): data
 * frames without masks, as a `webSocket` with `messages` has them. Goes on where the
 * last search has ended.
 */
export class MessageScanner {
  readonly #limit: number;
  #input: CodecInput | undefined;
  #offset = -1;
  #at = 0;
  #opcode = 0;
  #length = 0;
  #parts: [number, number][] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The message at the front, or `undefined` if it is not complete. */
  scan(input: CodecInput): ScannedMessage | undefined {
    if (input !== this.#input || input.offset !== this.#offset) {
      this.#input = input;
      this.#offset = input.offset;
      this.#at = this.#length = 0;
      this.#parts = [];
    }
    for (;;) {
      const first = input.at(this.#at);
      const second = input.at(this.#at + 1);
      if (first === undefined || second === undefined) return undefined;
      this.#checkFirst(first, second, input);
      const lengthBytes = second < 126 ? 0 : second === 126 ? 2 : 8;
      const start = this.#at + 2 + lengthBytes;
      if (input.length < start) return undefined;
      const length = lengthBytes === 0
        ? second
        : Number(input.uint(this.#at + 2, lengthBytes));
      const tooLarge = this.#length + length > this.#limit ||
        this.#at > MAX_FRAMING * this.#limit;
      if (tooLarge) throw new MessageTooLargeError(this.#limit, input.offset);
      const end = start + length;
      if (!input.expect(end)) return undefined;
      if (this.#at === 0) this.#opcode = first & 0x0f;
      if (length > 0) this.#parts.push([start, end]);
      this.#length += length;
      this.#at = end;
      if ((first & 0x80) !== 0) break;
    }
    this.#offset = -1;
    return {
      opcode: this.#opcode,
      parts: this.#parts,
      length: this.#length,
      size: this.#at,
    };
  }

  #checkFirst(first: number, second: number, input: CodecInput): void {
    const opcode = first & 0x0f;
    const begins = this.#at === 0;
    const fits = begins
      ? opcode === TEXT || opcode === BINARY
      : opcode === CONTINUATION;
    if (fits && (first & 0x70) === 0 && second < 0x80) return;
    throw new DecodeError("Message is not in frames of a WebSocket", {
      offset: input.offset,
      bytes: input.subarray(this.#at),
    });
  }
}
