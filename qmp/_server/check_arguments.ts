import { isObject } from "../_wire/client_codec.ts";
import { CommandError, type QMPMembers, type QMPType } from "../command.ts";

/** What JSON calls the types, in messages and in the introspection. */
export const jsonTypes = {
  str: "string",
  int: "int",
  number: "number",
  bool: "boolean",
  null: "null",
  any: "value",
} as const;

/** A declared member's name, and whether it may be missing. */
export function memberOf(name: string): { name: string; optional: boolean } {
  const optional = name.endsWith("?");
  return { name: optional ? name.slice(0, -1) : name, optional };
}

/**
 * Checks arguments, or an object within them, against what is declared.
 *
 * @throws {CommandError} They are others.
 */
export function checkMembers(
  given: Record<string, unknown>,
  declared: QMPMembers,
  path = "",
): void {
  const known = new Set<string>();
  for (const [member, type] of Object.entries(declared)) {
    const { name, optional } = memberOf(member);
    known.add(name);
    if (Object.hasOwn(given, name)) checkType(given[name], type, path + name);
    else if (!optional) refuse(`Parameter '${path}${name}' is missing`);
  }
  for (const name of Object.keys(given)) {
    if (!known.has(name)) refuse(`Parameter '${path}${name}' is unexpected`);
  }
}

function checkType(value: unknown, type: QMPType, path: string): void {
  if (typeof type === "string") {
    if (!fits[type](value)) {
      refuse(
        `Invalid parameter type for '${path}', expected: ${jsonTypes[type]}`,
      );
    }
  } else if (isArrayType(type)) {
    if (!Array.isArray(value)) {
      refuse(`Invalid parameter type for '${path}', expected: array`);
    }
    for (const [index, element] of value.entries()) {
      checkType(element, type[0], `${path}[${index}]`);
    }
  } else {
    if (!isObject(value)) {
      refuse(`Invalid parameter type for '${path}', expected: object`);
    }
    checkMembers(value, type, `${path}.`);
  }
}

/** Whether a type is that of arrays; `Array.isArray` does not narrow it. */
export function isArrayType(type: QMPType): type is readonly [QMPType] {
  return Array.isArray(type);
}

const fits: Record<keyof typeof jsonTypes, (value: unknown) => boolean> = {
  str: (value) => typeof value === "string",
  int: (value) => typeof value === "bigint" || Number.isSafeInteger(value),
  number: (value) => typeof value === "bigint" || typeof value === "number",
  bool: (value) => typeof value === "boolean",
  null: (value) => value === null,
  any: () => true,
};

function refuse(description: string): never {
  throw new CommandError("GenericError", description);
}
