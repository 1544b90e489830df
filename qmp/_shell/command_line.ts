import { JSONText } from "../../protocol/codecs/_json/text.ts";
import { isObject } from "../_wire/client_codec.ts";
import { setMember } from "../_wire/set_member.ts";
import type { QMPCommand } from "../messages.ts";
import type { Given, Guide } from "./guide.ts";
import { LineError, splitPair, splitWords } from "./words.ts";

const json = new JSONText({ bigint: true });

/** The command on a line, with its arguments. */
export interface ParsedLine {
  readonly command: string;
  readonly args: Given;
}

/**
 * Reads a command with arguments: `key=value`, where dots in the key lead into
 * objects, and JSON objects.
 *
 * @param typeOf The type of a command's arguments.
 * @throws {LineError} The line is not a command.
 */
export function parseLine(
  line: string,
  guide: Guide,
  typeOf: (command: string) => string | undefined,
): ParsedLine {
  const [command = "", ...words] = splitWords(line);
  const type = typeOf(command);
  // A member may select variants for the members before it: read the line twice.
  const known = readArguments(words, guide, type, {});
  return { command, args: readArguments(words, guide, type, known) };
}

/** The arguments; `known` selects the variants of their types. */
function readArguments(
  words: readonly string[],
  guide: Guide,
  type: string | undefined,
  known: Given,
): Given {
  const args: Given = {};
  for (const word of words) {
    if (word.startsWith("{")) {
      const members = Object.entries(parseObject(word));
      for (const [name, value] of members) setMember(args, name, value);
    } else {
      const [name, text] = splitPair(word) ?? [];
      if (name === undefined || text === undefined) {
        throw new LineError(
          `Cannot read the argument ${word}: expected key=value or a JSON object`,
        );
      }
      const path = name.split(".");
      const kinds = guide.kindsOf(guide.typeAt(type, path, known));
      assign(args, path, parseValue(text, kinds));
    }
  }
  return args;
}

/**
 * Reads a whole message.
 *
 * @throws {LineError} The line is not a JSON object.
 */
export function parseMessage(line: string): QMPCommand {
  return parseObject(line);
}

/** Reads a value of one of these kinds; text that is not JSON is a string. */
export function parseValue(text: string, kinds: readonly string[]): unknown {
  if (/^'.*'$/s.test(text)) return text.slice(1, -1);
  if (!/^["{[]/.test(text) && kinds.every((kind) => kind === "string")) {
    return text;
  }
  let value: unknown;
  try {
    value = json.parse(text);
  } catch (cause) {
    if (!/^["{[]/.test(text)) return text;
    throw new LineError(`Cannot read the value ${text}: it is not JSON`, {
      cause,
    });
  }
  const fits = kinds.includes("value") || kinds.includes(kindOf(value)) ||
    kindOf(value) === "int" && kinds.includes("number");
  return !fits && kinds.includes("string") && typeof value !== "string"
    ? text
    : value;
}

function parseObject(text: string): Given {
  const value = parseValue(text, ["object"]);
  if (!isObject(value)) {
    throw new LineError(`Cannot read ${text}: it is not a JSON object`);
  }
  return value;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") {
    return Number.isInteger(value) ? "int" : "number";
  }
  return typeof value;
}

/** Sets the member at the end of a path, and makes missing objects. */
function assign(args: Given, path: readonly string[], value: unknown): void {
  let object = args;
  for (const [index, name] of path.entries()) {
    if (name === "") {
      throw new LineError(
        `Cannot read the key ${path.join(".")}: a part of it is empty`,
      );
    }
    if (index === path.length - 1) setMember(object, name, value);
    else {
      if (!Object.hasOwn(object, name)) setMember(object, name, {});
      const inner = object[name];
      if (!isObject(inner)) {
        const key = path.slice(0, index + 1).join(".");
        throw new LineError(
          `Cannot set ${path.join(".")}: ${key} is not an object`,
        );
      }
      object = inner;
    }
  }
}
