/** The codes of ECMA-48, Select Graphic Rendition. */
const CODES = {
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
} as const;

export type Colour = keyof typeof CODES;

/** A text in a colour; what comes after it has none. */
export function paint(colour: Colour, text: string): string {
  return `\x1b[${CODES[colour]}m${text}\x1b[0m`;
}

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

/** A JSON text, its keys, strings, numbers and words each in a colour. */
export function paintJSON(text: string): string {
  return text.replace(
    TOKENS,
    (token: string, quoted?: string, colon?: string) => {
      if (quoted && colon) return paint("blue", quoted) + colon;
      if (quoted) return paint("green", quoted);
      return paint(/^[tfn]/.test(token) ? "magenta" : "cyan", token);
    },
  );
}
