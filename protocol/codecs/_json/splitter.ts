import type { CodecInput } from "../codec_input.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The bit that differs between `[` and `{`, and between `]` and `}`. */
const CURLY = 0x20;
const OPENING = 0x5b | CURLY;
const CLOSING = 0x5d | CURLY;

/** Whether a text that begins so shows its own end: an object, array or string. */
export function isOpening(byte: number | undefined): boolean {
  return byte !== undefined && (byte === QUOTE || (byte | CURLY) === OPENING);
}

/** Whether a number, `true`, `false` or `null` can have such a byte. */
function isScalar(byte: number | undefined): boolean {
  return byte !== undefined &&
    (byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x7a ||
      byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45);
}

/**
 * Finds where the JSON text at the front of the input ends, without parsing it: a
 * malformed text ends somewhere. Goes on where the last search has ended.
 */
export class JSONSplitter {
  /** The other fields are about the text here, and start afresh with another. */
  #input: CodecInput | undefined;
  #offset = 0;
  /** How many bytes of the text are scanned, and how many brackets are open behind them. */
  #scanned = 0;
  #depth = 0;
  #inString = false;

  /** Whether a part of the text at the front is scanned, and its end not found. */
  within(input: CodecInput): boolean {
    return this.#scanned > 0 && input.offset === this.#offset &&
      input === this.#input;
  }

  /**
   * The length of the text at the front, or -1 if its end is not among the first
   * `max` bytes. It is 0 if a text cannot begin with these bytes. The end of a
   * number or a literal shows in what follows.
   */
  split(input: CodecInput, max: number): number {
    if (!this.within(input)) {
      this.#input = input;
      this.#offset = input.offset;
      this.#scanned = 0;
      this.#depth = 0;
      this.#inString = false;
    }
    const bytes = input.subarray(this.#scanned, max);
    const ended = isOpening(input.at(0))
      ? this.#scanNested(bytes)
      : this.#scanScalar(bytes);
    if (!ended) return -1;
    const end = this.#scanned;
    this.#scanned = 0;
    return end;
  }

  /** Scans on, at most to the end of the text, and returns whether it is reached. */
  #scanScalar(bytes: Uint8Array): boolean {
    let at = 0;
    while (isScalar(bytes[at])) at++;
    this.#scanned += at;
    return at < bytes.length;
  }

  #scanNested(bytes: Uint8Array): boolean {
    const { length } = bytes;
    let depth = this.#depth;
    let inString = this.#inString;
    let ended = false;
    let at = 0;
    while (at < length && !ended) {
      const byte = bytes[at++] ?? 0;
      if (inString) {
        if (byte === BACKSLASH) {
          at++; // The escaped byte may come later.
        } else if (byte === QUOTE) {
          inString = false;
          ended = depth === 0;
        } else {
          // A control character makes the text malformed here (RFC 8259 §7).
          ended = byte < 0x20;
        }
      } else if (byte === QUOTE) {
        inString = true;
      } else if ((byte | CURLY) === OPENING) {
        depth++;
      } else if ((byte | CURLY) === CLOSING) {
        ended = --depth === 0;
      }
    }
    this.#scanned += at;
    this.#depth = depth;
    this.#inString = inString;
    return ended;
  }
}
