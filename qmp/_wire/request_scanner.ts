import type { CodecInput } from "../../protocol/mod.ts";

/**
 * The result of a scan: a whole text; a stray byte, which discards everything
 * before it; or less than a text.
 */
export type Scanned = "text" | "stray" | "incomplete";

/** QEMU's limit for nested arrays and objects. */
const MAX_DEPTH = 1024;

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COLON = 0x3a;

// States: the token that the next byte belongs to.
const BETWEEN = 0; // no token
const RECOVERY = 1; // after a stray byte, up to a line end or a bracket
const WORD = 2;
const MINUS = 3;
const ZERO = 4;
const INTEGER = 5;
const POINT = 6;
const FRACTION = 7;
const E = 8;
const E_SIGN = 9;
const EXPONENT = 10;
const DOUBLE = 11; // a string in double quotes
const DOUBLE_ESCAPE = 12;
const SINGLE = 13; // a string in single quotes
const SINGLE_ESCAPE = 14;
// Steps that do more than enter a state.
const STRUCTURE = 15; // a bracket, a comma or a colon
const STRING_END = 16;
const TOKEN_END = 17; // the byte belongs to the next token
const STRAY = 18;

/** Bytes that no string contains: control characters, and bytes that are not UTF-8. */
const NEVER = /[^ -\xfd]/;

/** The steps of each state: the first pattern that fits the byte counts. */
const RULES: Record<number, [byte: RegExp, step: number][]> = {
  [BETWEEN]: [
    [/[ \t\r\n]/, BETWEEN],
    [/[{}[\],:]/, STRUCTURE],
    [/"/, DOUBLE],
    [/'/, SINGLE],
    [/[a-z]/, WORD],
    [/-/, MINUS],
    [/0/, ZERO],
    [/[1-9]/, INTEGER],
    [/[^]/, STRAY],
  ],
  [RECOVERY]: [
    [/\t/, RECOVERY],
    [NEVER, TOKEN_END],
    [/[{}[\],:]/, TOKEN_END],
    [/[^]/, RECOVERY],
  ],
  [WORD]: [[/[a-z]/, WORD], [/[^]/, TOKEN_END]],
  [MINUS]: [[/0/, ZERO], [/[1-9]/, INTEGER], [/[^]/, STRAY]],
  [ZERO]: [
    [/[0-9]/, STRAY],
    [/\./, POINT],
    [/[eE]/, E],
    [/[^]/, TOKEN_END],
  ],
  [INTEGER]: [
    [/[0-9]/, INTEGER],
    [/\./, POINT],
    [/[eE]/, E],
    [/[^]/, TOKEN_END],
  ],
  [POINT]: [[/[0-9]/, FRACTION], [/[^]/, STRAY]],
  [FRACTION]: [[/[0-9]/, FRACTION], [/[eE]/, E], [/[^]/, TOKEN_END]],
  [E]: [[/[+-]/, E_SIGN], [/[0-9]/, EXPONENT], [/[^]/, STRAY]],
  [E_SIGN]: [[/[0-9]/, EXPONENT], [/[^]/, STRAY]],
  [EXPONENT]: [[/[0-9]/, EXPONENT], [/[^]/, TOKEN_END]],
  [DOUBLE]: [
    [NEVER, STRAY],
    [/\\/, DOUBLE_ESCAPE],
    [/"/, STRING_END],
    [/[^]/, DOUBLE],
  ],
  [DOUBLE_ESCAPE]: [[NEVER, STRAY], [/[^]/, DOUBLE]],
  [SINGLE]: [
    [NEVER, STRAY],
    [/\\/, SINGLE_ESCAPE],
    [/'/, STRING_END],
    [/[^]/, SINGLE],
  ],
  [SINGLE_ESCAPE]: [[NEVER, STRAY], [/[^]/, SINGLE]],
};

/** The steps by state and byte. */
const STEPS = new Uint8Array(STRUCTURE << 8);
for (const [state, rules] of Object.entries(RULES)) {
  for (let byte = 0; byte < 0x100; byte++) {
    const text = String.fromCharCode(byte);
    const rule = rules.find(([pattern]) => pattern.test(text));
    STEPS[Number(state) << 8 | byte] = rule?.[1] ?? STRAY;
  }
}

/**
 * Finds the end of a client's JSON text. As in QEMU, only the tokens count: the
 * text may be malformed, and its strings may be in single quotes. Each byte is
 * scanned once, whatever the chunks are.
 */
export class RequestScanner {
  #state = BETWEEN;
  #scanned = 0;
  #braces = 0;
  #brackets = 0;
  #colons = 0;
  #tooDeep = false;

  /** The number of scanned bytes. If the text is whole, its length. */
  get length(): number {
    return this.#scanned;
  }

  /** The number of members in the text, if it is JSON; repeated ones count. */
  get members(): number {
    return this.#colons;
  }

  /** Whether the text has more levels than QEMU allows. */
  get tooDeep(): boolean {
    return this.#tooDeep;
  }

  /** Drops blanks before a text, and the bytes after a stray byte. */
  skip(input: CodecInput): void {
    if (this.#scanned > 0) return;
    const bytes = input.subarray();
    let at = 0;
    for (; at < bytes.length; at++) {
      const step = STEPS[this.#state << 8 | (bytes[at] ?? 0)] ?? STRAY;
      if (step === TOKEN_END) {
        this.#state = BETWEEN;
        at--;
      } else if (step !== this.#state) {
        break;
      }
    }
    if (at > 0) input.consume(at);
  }

  /** Continues the scan to the end of the text, or for `most` bytes of it. */
  scan(input: CodecInput, most: number): Scanned {
    const bytes = input.subarray(this.#scanned, most);
    const { length } = bytes;
    let state = this.#state;
    let found: Scanned = "incomplete";
    let at = 0;
    while (at < length && found === "incomplete") {
      const step = STEPS[state << 8 | (bytes[at] ?? 0)] ?? STRAY;
      if (step < STRUCTURE) {
        state = step;
        at++;
        continue;
      }
      state = BETWEEN;
      if (step === STRAY) found = "stray";
      if (step === STRUCTURE) this.#count(bytes[at]);
      if (step !== STRAY && this.#isWhole()) found = "text";
      if (step !== TOKEN_END) at++;
    }
    this.#scanned += at;
    this.#state = found === "stray" ? RECOVERY : state;
    return found;
  }

  /** Begins a new text. */
  next(): void {
    this.#scanned = 0;
    this.#braces = 0;
    this.#brackets = 0;
    this.#colons = 0;
    this.#tooDeep = false;
  }

  #count(byte: number | undefined): void {
    switch (byte) {
      case OPEN_BRACE:
        this.#braces++;
        break;
      case CLOSE_BRACE:
        this.#braces--;
        break;
      case OPEN_BRACKET:
        this.#brackets++;
        break;
      case CLOSE_BRACKET:
        this.#brackets--;
        break;
      case COLON:
        this.#colons++;
    }
    this.#tooDeep ||= this.#braces + this.#brackets > MAX_DEPTH;
  }

  /** Whether the end of a token here is the end of the text. */
  #isWhole(): boolean {
    return this.#braces < 0 || this.#brackets < 0 ||
      this.#braces + this.#brackets === 0;
  }
}
