import { printable } from "../../protocol/_util/printable.ts";
import { parseLine } from "./command_line.ts";
import { type Guide, objectAt } from "./guide.ts";
import { LineError, splitPair } from "./words.ts";

/** The words that can stand first, and the types of the arguments after them. */
export interface Grammar {
  readonly commands: readonly string[];
  typeOf(command: string): string | undefined;
}

/**
 * The completions of the last word of a line, and this word. A completion is a
 * command, the key of an argument that is not given yet, or a known value.
 */
export function completions(
  line: string,
  guide: Guide,
  grammar: Grammar,
): [candidates: string[], word: string] {
  const word = /\S*$/.exec(line)?.[0] ?? "";
  const before = line.slice(0, line.length - word.length);
  const candidates = before.trim() === ""
    ? grammar.commands.filter(isTypeable).map(ended)
    : wordsAfter(before, word, guide, grammar);
  return [candidates.filter((one) => one.startsWith(word)), word];
}

/**
 * Whether a server's name can be typed as a word. Other names are not offered,
 * because they could act on the terminal.
 */
export function isTypeable(name: string): boolean {
  return /^[^\s"'=]+$/.test(name) && printable(name) === name;
}

/** The words that can follow the words before them. */
function wordsAfter(
  before: string,
  word: string,
  guide: Guide,
  { typeOf }: Grammar,
): string[] {
  const parsed = attempt(() => parseLine(before, guide, typeOf));
  if (!parsed) return [];
  const type = typeOf(parsed.command);
  const [name] = splitPair(word) ?? [];
  if (name !== undefined) {
    const inner = guide.typeAt(type, name.split("."), parsed.args);
    return guide.valuesOf(inner).filter(isTypeable)
      .map((value) => ended(`${name}=${value}`));
  }
  const path = word.split(".").slice(0, -1);
  const prefix = path.map((part) => `${part}.`).join("");
  const given = objectAt(parsed.args, path);
  const members = guide.membersOf(guide.typeAt(type, path, parsed.args), given)
    .filter(({ name }) => isTypeable(name) && !Object.hasOwn(given, name));
  const keys = members.flatMap(({ name, type }) => {
    return guide.hasMembers(type)
      ? [`${prefix}${name}.`, `${prefix}${name}=`]
      : [`${prefix}${name}=`];
  });
  return [...new Set(keys)];
}

/** The command so far, or undefined if the line is not a command. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof LineError) return undefined;
    throw error;
  }
}

function ended(word: string): string {
  return `${word} `;
}
