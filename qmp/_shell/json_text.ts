import { JSONText } from "../../protocol/codecs/_json/text.ts";
import { endOfString } from "./colours.ts";
import { printableJSON } from "./printable_text.ts";

/** The most characters that indentation may add to a text. */
const MAX_INDENTATION = 2 ** 26;

const TOO_DEEP = '"<nested too deeply to be shown>"';

const json = new JSONText({ bigint: true });

/** A value as JSON text on one line, without characters that act on a terminal. */
export function lineText(value: unknown): string {
  return printableJSON(stringify(value, 0));
}

/**
 * The same over many lines, indented. A server may nest values so deeply that
 * the indentation would fill the memory: they stay on one line.
 */
export function indentedText(value: unknown): string {
  const text = stringify(value, 0);
  return text.length * depthOf(text) <= MAX_INDENTATION
    ? printableJSON(stringify(value, 2))
    : printableJSON(text);
}

function stringify(value: unknown, indent: number): string {
  try {
    return json.stringify(value, indent);
  } catch (error) {
    // V8 takes stack for each level if it indents, or replaces a bigint.
    if (!(error instanceof RangeError)) throw error;
    return TOO_DEEP;
  }
}

/** The nesting depth of a JSON text. */
function depthOf(text: string): number {
  const tokens = /["[\]{}]/g;
  let depth = 0;
  let max = 0;
  for (let token = tokens.exec(text); token; token = tokens.exec(text)) {
    if (token[0] === '"') tokens.lastIndex = endOfString(text, token.index);
    else if (token[0] === "[" || token[0] === "{") max = Math.max(max, ++depth);
    else depth--;
  }
  return max;
}
