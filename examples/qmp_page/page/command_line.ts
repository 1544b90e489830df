import { parse, type QMPCommand } from "@parley/parley/browser";
import { type Arguments, isOptional, type Schema } from "./schema.ts";

/** What can stand in the place of the last word. */
export interface Completion {
  text: string;
  /** What kind of value it takes, if it is a key. */
  hint?: string;
}

/** Blanks are part of a word within quotes. */
const WORDS = /(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'])+/g;

/**
 * Reads a command: `device_del id=nic0`, `blockdev-add driver=file …` with dots
 * for objects in objects, or a whole message as JSON.
 *
 * @throws {SyntaxError} The line is not a command.
 */
export function readCommand(line: string, schema: Schema): QMPCommand {
  if (line.startsWith("{")) return parse(line) as QMPCommand;
  const [execute = "", ...words] = line.match(WORDS) ?? [];
  const args = readArguments(words, schema, schema.argumentsOf(execute));
  return words.length > 0 ? { execute, arguments: args } : { execute };
}

/** The word at the end of a line. */
export function lastWord(line: string): string {
  return /\S*$/.exec(line)?.[0] ?? "";
}

/** The words that can stand in the place of the last one, best first. */
export function complete(line: string, schema: Schema): Completion[] {
  const word = lastWord(line);
  const before = line.slice(0, line.length - word.length).match(WORDS) ?? [];
  let all: Completion[];
  try {
    all = completions(before, word, schema);
  } catch {
    return []; // a word before is wrong
  }
  return [
    ...all.filter(({ text }) => text.startsWith(word)),
    ...all.filter(({ text }) => text.indexOf(word) > 0),
  ];
}

function completions(
  [command, ...words]: string[],
  word: string,
  schema: Schema,
): Completion[] {
  if (command === undefined) {
    return schema.commands.map((name) => ({ text: `${name} ` }));
  }
  const type = schema.argumentsOf(command);
  const given = readArguments(words, schema, type);
  const [key = "", value] = word.split("=");
  const path = key.split(".");
  if (value !== undefined) {
    return schema.values(schema.typeAt(type, path, given))
      .map((one) => ({ text: `${key}=${one} ` }));
  }
  const folder = path.slice(0, -1);
  const object = objectAt(given, folder);
  const members = schema.members(schema.typeAt(type, folder, given), object)
    .filter(({ name }) => !Object.hasOwn(object, name));
  return [
    ...members.filter((member) => !isOptional(member)),
    ...members.filter(isOptional),
  ].flatMap((member) => {
    const text = [...folder, member.name].join(".");
    const kinds = schema.kinds(member.type);
    const optional = isOptional(member) ? "optional " : "";
    const object = { text: `${text}.`, hint: `${optional}object` };
    const others = kinds.filter((kind) => kind !== "object").join(" or ");
    return [
      ...kinds.includes("object") ? [object] : [],
      ...others ? [{ text: `${text}=`, hint: optional + others }] : [],
    ];
  });
}

function readArguments(
  words: readonly string[],
  schema: Schema,
  type: string | undefined,
): Arguments {
  const args = noArguments();
  for (const word of words) {
    const [, key = "", text = ""] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (key === "") throw new SyntaxError(`${word} is not key=value`);
    const path = key.split(".");
    const kinds = schema.kinds(schema.typeAt(type, path, args));
    const object = objectAt(args, path.slice(0, -1));
    object[path.at(-1) ?? ""] = readValue(text, kinds);
  }
  return args;
}

/** A value as JSON, or as it stands if it is not JSON or a string is expected. */
function readValue(text: string, kinds: readonly string[]): unknown {
  if (/^'.*'$/s.test(text)) return text.slice(1, -1);
  if (kinds.join() === "string" && !text.startsWith('"')) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** The object at the end of a path, made where it is missing. */
function objectAt(args: Arguments, path: readonly string[]): Arguments {
  let object = args;
  for (const name of path) {
    object = (object[name] ??= noArguments()) as Arguments;
  }
  return object;
}

/** Without a prototype: `__proto__` is a name like any other. */
function noArguments(): Arguments {
  return Object.create(null);
}
