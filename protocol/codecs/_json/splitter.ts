import type { CodecInput } from "../codec_input.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What differs between the two pairs of brackets, and nothing else. */
const CURLY = 0x20;
const OPENING = 0x5b | CURLY;
const CLOSING = 0x5d | CURLY;

/** Whether a text that begins so tells its end itself: an object, array or string. */
export function isOpening(byte: number | undefined): boolean {
  return byte !== undefined && (byte === QUOTE || (byte | CURLY) === OPENING);
}

/** Whether a number, `true`, `false` or `null` may have such a byte. */
function isScalar(byte: number | undefined): boolean {
  return byte !== undefined &&
    (byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x7a ||
      byte === 0x2b || byte === 0x2d || byte === 0x2e || byte === 0x45);
}

/**
 * Finds where the JSON text at the front of a buffer ends, without parsing it:
 * a text that is malformed ends somewhere. Resumes where it left off.
 */
export class JSONSplitter {
  /** What the rest is about: another text starts afresh. */
  #input: CodecInput | undefined;
  #offset = 0;
  /** How many bytes of the text are scanned, and what is open after them. */
  #scanned = 0;
  #depth = 0;
  #inString = false;

  /** Whether the text at the front has been begun, and its end not found. */
  within(input: CodecInput): boolean {
    return this.#scanned > 0 && input.offset === this.#offset &&
      input === this.#input;
  }

  /**
   * The length of the text at the front, or -1 when its end is not among the
   * first `most` bytes. The end of a number or a literal shows in what follows;
   * 0 is the length of what cannot be the beginning of a text.
   */
  split(input: CodecInput, most: number): number {
    if (!this.within(input)) {
      this.#input = input;
      this.#offset = input.offset;
      this.#scanned = 0;
      this.#depth = 0;
      this.#inString = false;
    }
    const bytes = input.subarray(this.#scanned, most);
    const ended = isOpening(input.at(0))
      ? this.#scanNested(bytes)
      : this.#scanScalar(bytes);
    if (!ended) return -1;
    const end = this.#scanned;
    this.#scanned = 0;
    return end;
  }

  /** Scans on, at most to the end of the text; whether that is reached. */
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
          at++; // What is escaped may come with the next bytes.
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
