import { show } from "./show.ts";

/**
 * Checks an option that is a number, if it is given.
 *
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is out of range.
 */
export function checkNumber(
  option: string,
  value: number | undefined,
  min: number,
  max: number,
): void {
  if (value === undefined) return;
  const isNumber = typeof value === "number";
  if (isNumber && value >= min && value <= max) return;
  const message = `Cannot use the option: ${option} is ${
    show(value)
  }: it must be a number from ${min} to ${max}`;
  throw isNumber ? new RangeError(message) : new TypeError(message);
}

/**
 * Checks an option that is an integer or Infinity, if it is given.
 *
 * @throws {TypeError} It is not a number.
 * @throws {RangeError} It is not an integer, or out of range.
 */
export function checkCount(
  option: string,
  value: number | undefined,
  min: number,
): void {
  checkNumber(option, value, min, Infinity);
  if (value === undefined || value === Infinity || Number.isInteger(value)) {
    return;
  }
  throw new RangeError(
    `Cannot use the option: ${option} is ${value}: it must be an integer`,
  );
}

/**
 * Checks an option that is text, if it is given.
 *
 * @throws {TypeError} It is something else.
 */
export function checkString(option: string, value: string | undefined): void {
  if (value === undefined || typeof value === "string") return;
  throw new TypeError(
    `Cannot use the option: ${option} is ${show(value)}: it must be a string`,
  );
}

/**
 * Checks an option or an argument that is a function.
 *
 * @throws {TypeError} It is something else.
 */
export function checkFunction(
  kind: "option" | "argument",
  name: string,
  value: unknown,
): void {
  if (typeof value === "function") return;
  throw new TypeError(
    `Cannot use the ${kind}: ${name} is ${show(value)}: it must be a function`,
  );
}

/**
 * Checks that an argument has one of the members that tell what it is.
 *
 * @throws {TypeError} It is something else.
 */
export function checkMember(
  argument: string,
  value: unknown,
  members: readonly string[],
  wanted: string,
): void {
  if (members.some((member) => member in Object(value))) return;
  throw new TypeError(
    `Cannot use the argument: ${argument} is ${
      show(value)
    }: it must be ${wanted}`,
  );
}
