import { isObject } from "../_wire/client_codec.ts";
import { CommandError, type QMPMembers, type QMPType } from "../command.ts";
import { basicTypes, isArrayType, memberOf } from "./types.ts";

/**
 * Checks arguments, or an object within them, against their declared types.
 *
 * @param path The path before a member's name in messages.
 * @throws {CommandError} A member is missing, unexpected or of another type.
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
    if (Object.hasOwn(given, name)) checkValue(given[name], type, path + name);
    else if (!optional) refuse(`Parameter '${path}${name}' is missing`);
  }
  for (const name of Object.keys(given)) {
    if (!known.has(name)) refuse(`Parameter '${path}${name}' is unexpected`);
  }
}

function checkValue(value: unknown, type: QMPType, path: string): void {
  if (typeof type === "string") {
    const { jsonType, fits } = basicTypes[type];
    if (!fits(value)) refuseType(path, jsonType);
  } else if (isArrayType(type)) {
    if (!Array.isArray(value)) refuseType(path, "array");
    for (const [index, element] of value.entries()) {
      checkValue(element, type[0], `${path}[${index}]`);
    }
  } else {
    if (!isObject(value)) refuseType(path, "object");
    checkMembers(value, type, `${path}.`);
  }
}

function refuseType(path: string, expected: string): never {
  refuse(`Invalid parameter type for '${path}', expected: ${expected}`);
}

function refuse(description: string): never {
  throw new CommandError("GenericError", description);
}
