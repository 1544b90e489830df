/** A word that needs quotes: it is empty, or has a blank, a quote or a control. */
const NEEDS_QUOTES = /^$|[\s"'\\\p{C}]/u;

/** Joins words with blanks; a word that needs them gets quotes. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) =>
    NEEDS_QUOTES.test(word) ? JSON.stringify(word) : word
  ).join(" ");
}

/** A part of a word: text in single quotes, in double ones, or without any. */
const PART = /'([^']*)'|("(?:[^"\\]|\\.)*")|([^\s'"]+)/sy;

/**
 * Splits text at blanks. Text in single quotes is taken as it stands; text in
 * double quotes is a JSON string. Elsewhere a backslash is a character like
 * others, as paths of Windows have it.
 *
 * @returns `undefined` if a quote has no end, or a string is not JSON.
 */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let position = 0;
  let inWord = false;
  while (position < text.length) {
    if (/\s/.test(text.charAt(position))) {
      inWord = false;
      position++;
      continue;
    }
    PART.lastIndex = position;
    const match = PART.exec(text);
    if (!match) return undefined;
    const [whole, literal, json, plain] = match;
    const part = json === undefined ? literal ?? plain : unquote(json);
    if (part === undefined) return undefined;
    if (inWord) words.push((words.pop() ?? "") + part);
    else words.push(part);
    inWord = true;
    position += whole.length;
  }
  return words;
}

function unquote(json: string): string | undefined {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
