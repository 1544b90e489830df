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

/** A text in a colour, which ends with the text. */
export function paint(colour: Colour, text: string): string {
  return `\x1b[${CODES[colour]}m${text}\x1b[0m`;
}

const TOKENS = /"|-?\d[\d.eE+-]*|true|false|null/g;

/** A JSON text, its keys, strings, numbers and words each in a colour. */
export function paintJSON(text: string): string {
  const parts: string[] = [];
  let painted = 0;
  const tokens = new RegExp(TOKENS);
  for (let token = tokens.exec(text); token; token = tokens.exec(text)) {
    const start = token.index;
    const end = token[0] === '"' ? endOfString(text, start) : tokens.lastIndex;
    const colour = colourOf(token[0], text[end] === ":");
    parts.push(
      text.slice(painted, start),
      paint(colour, text.slice(start, end)),
    );
    painted = tokens.lastIndex = end;
  }
  return parts.join("") + text.slice(painted);
}

function colourOf(token: string, isKey: boolean): Colour {
  if (token === '"') return isKey ? "blue" : "green";
  return /^[tfn]/.test(token) ? "magenta" : "cyan";
}

/**
 * The end of the string that begins at a position of a JSON text. A regular
 * expression for a whole string fails in V8, as it takes memory in proportion.
 */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
