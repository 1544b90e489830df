/** A line that is not a command. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/**
 * Splits a line at its blanks, except blanks within brackets, and within quotes
 * that begin a word or a value.
 *
 * @throws {LineError} A quote or a bracket is not closed.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let rest = line.trimStart();
  while (rest) {
    const length = lengthOfWord(rest);
    words.push(rest.slice(0, length));
    rest = rest.slice(length).trimStart();
  }
  return words;
}

/** The name and the value of a word such as `node-name=disk`. */
export function splitPair(word: string): [name: string, value: string] | null {
  const [, name, value] = /^([^\s={}[\]"']+)=(.*)$/s.exec(word) ?? [];
  return name === undefined || value === undefined ? null : [name, value];
}

function lengthOfWord(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (depth === 0 && /\s/.test(character)) return at;
    const quotes = depth > 0
      ? character === '"'
      : /["']/.test(character) && (at === 0 || text[at - 1] === "=");
    if (quotes) at = endOfQuotes(text, at);
    else if (/[{[]/.test(character)) depth++;
    else if (/[}\]]/.test(character)) depth = Math.max(0, depth - 1);
  }
  if (depth > 0) throw new LineError(`Cannot read ${text}: a bracket is open`);
  return text.length;
}

/** The end of the quotes that begin at a position. */
function endOfQuotes(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at;
    if (text[at] === "\\" && quote === '"') at++;
  }
  throw new LineError(`Cannot read ${text.slice(start)}: quotes are open`);
}
