import { show } from "../../protocol/_util/show.ts";
import type { QMPMembers, QMPType } from "../command.ts";

/** A type whose values have no members. */
interface BasicType {
  /** Its name in messages and in the introspection. */
  readonly jsonType: string;
  fits(value: unknown): boolean;
}

/** The basic types by their names in QMP. */
export const basicTypes: Readonly<Record<QMPType & string, BasicType>> = {
  str: { jsonType: "string", fits: (value) => typeof value === "string" },
  int: {
    jsonType: "int",
    fits: (value) => typeof value === "bigint" || Number.isSafeInteger(value),
  },
  number: {
    jsonType: "number",
    fits: (value) => typeof value === "bigint" || typeof value === "number",
  },
  bool: { jsonType: "boolean", fits: (value) => typeof value === "boolean" },
  null: { jsonType: "null", fits: (value) => value === null },
  any: { jsonType: "value", fits: () => true },
};

/** Whether a type is an array type; `Array.isArray` does not narrow it. */
export function isArrayType(type: QMPType): type is readonly [QMPType] {
  return Array.isArray(type);
}

/** A declared member's name, and whether it may be missing. */
export function memberOf(name: string): { name: string; optional: boolean } {
  const optional = name.endsWith("?");
  return { name: optional ? name.slice(0, -1) : name, optional };
}

/**
 * Checks that an option is the members of an object.
 *
 * @throws {TypeError} It is not an object, or a type in it is not a QMP type.
 */
export function checkDeclared(option: string, members: QMPMembers): void {
  if (typeof members !== "object" || members === null || isArrayType(members)) {
    refuse(option, members, "an object of types");
  }
  for (const [name, type] of Object.entries(members)) {
    checkType(`${option}[${JSON.stringify(name)}]`, type);
  }
}

/**
 * Checks that an option is a type.
 *
 * @throws {TypeError} It is not a QMP type.
 */
export function checkType(option: string, type: QMPType): void {
  if (typeof type === "string") {
    if (Object.hasOwn(basicTypes, type)) return;
    refuse(option, type, `one of ${Object.keys(basicTypes).join(", ")}`);
  }
  if (!isArrayType(type)) return checkDeclared(option, type);
  if (type.length !== 1) refuse(option, type, "an array of one type");
  checkType(`${option}[0]`, type[0]);
}

function refuse(option: string, value: unknown, expected: string): never {
  throw new TypeError(
    `Cannot use the option: ${option} is ${
      show(value)
    }: it must be ${expected}`,
  );
}
