import { ProtocolError } from "../../protocol/errors.ts";
import { printable } from "../../protocol/_util/printable.ts";
import { excerptOf, isObject } from "../_wire/client_codec.ts";
import type { ObjectInfo, SchemaInfo } from "./schema_info.ts";

/** Checks a value, and returns the expected form if the value has another. */
type Check = (value: unknown) => string | undefined;

const string: Check = (value) =>
  typeof value === "string" ? undefined : "a string";

const optional = (check: Check): Check => (value) =>
  value === undefined ? undefined : check(value);

const strings: Check = (value) =>
  Array.isArray(value) && value.every((element) => !string(element))
    ? undefined
    : "an array of strings";

/** An array of objects that have these members, each of which is a string. */
const objectsWith = (...names: string[]): Check => (value) =>
  Array.isArray(value) &&
    value.every((element) =>
      isObject(element) && names.every((name) => !string(element[name]))
    )
    ? undefined
    : `an array of objects with ${names.join(" and ")}`;

/** The members of every description. */
const COMMON = new Map([["features", optional(strings)]]);

/** The members of each kind of description; a server may send more. */
const SHAPES = new Map<unknown, ReadonlyMap<string, Check>>([
  ["command", new Map([["arg-type", string], ["ret-type", string]])],
  ["event", new Map([["arg-type", string]])],
  ["builtin", new Map([["json-type", string]])],
  ["array", new Map([["element-type", string]])],
  [
    "enum",
    new Map([
      ["members", optional(objectsWith("name"))],
      ["values", optional(strings)],
    ]),
  ],
  ["alternate", new Map([["members", objectsWith("type")]])],
  [
    "object",
    new Map([
      ["members", objectsWith("name", "type")],
      ["tag", optional(string)],
      ["variants", optional(objectsWith("case", "type"))],
    ]),
  ],
]);

/**
 * Checks the answer to `query-qmp-schema`. Kinds of descriptions that are not
 * known are not checked.
 *
 * @throws {ProtocolError} The answer is not a schema.
 */
export function readSchema(answer: unknown): SchemaInfo[] {
  if (!Array.isArray(answer)) throw malformed("schema", answer, "an array");
  for (const info of answer) checkInfo(info);
  checkVariants(answer);
  return answer;
}

function checkInfo(info: unknown): void {
  if (!isObject(info) || string(info.name) || string(info["meta-type"])) {
    const expected = "an object with name and meta-type";
    throw malformed("an entry", info, expected);
  }
  const shape = SHAPES.get(info["meta-type"]) ?? new Map();
  for (const [member, check] of [...COMMON, ...shape]) {
    const expected = check(info[member]);
    if (expected !== undefined) {
      const place = `${member} of ${info["meta-type"]} ${excerptOf(info.name)}`;
      throw malformed(place, info[member], expected);
    }
  }
}

/** Checks that no object is, over its variants, a variant of itself. */
function checkVariants(infos: readonly SchemaInfo[]): void {
  const objects = new Map<string, ObjectInfo>();
  for (const info of infos) {
    if (info["meta-type"] === "object") objects.set(info.name, info);
    else objects.delete(info.name);
  }
  // Kahn's algorithm: an object is done when all of its variants are.
  const users = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const { name, variants = [] } of objects.values()) {
    const inner = variants.filter(({ type }) => objects.has(type));
    open.set(name, inner.length);
    for (const { type } of inner) {
      const known = users.get(type);
      if (known) known.push(name);
      else users.set(type, [name]);
    }
  }
  const done = [...open.keys()].filter((name) => open.get(name) === 0);
  for (let name = done.pop(); name !== undefined; name = done.pop()) {
    open.delete(name);
    for (const user of users.get(name) ?? []) {
      const left = (open.get(user) ?? 0) - 1;
      open.set(user, left);
      if (left === 0) done.push(user);
    }
  }
  for (const name of open.keys()) {
    throw new ProtocolError(
      printable(
        `Cannot read the server's schema: object ${excerptOf(name)}` +
          " is a variant of itself, or has one that is",
      ),
    );
  }
}

function malformed(
  place: string,
  value: unknown,
  expected: string,
): ProtocolError {
  const actual = value === undefined ? "missing" : excerptOf(value);
  return new ProtocolError(
    printable(
      `Cannot read the server's schema: ${place} is ${actual}, expected ${expected}`,
    ),
  );
}
