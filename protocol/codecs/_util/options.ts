import { show } from "../../_util/show.ts";
import type { CodecOptions } from "../options.ts";

const MAX_MESSAGE_BYTES = 64 * 1024;

/** The limit that the options ask for. */
export function messageLimit(options: CodecOptions): number {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  return limitOption("maxMessageBytes", maxMessageBytes, 1);
}

/** An integer of at least `min`, or Infinity. */
export function limitOption(name: string, value: number, min: number): number {
  return value === Infinity ? Infinity : integerOption(name, value, min);
}

/** An integer from `min` to `max`. */
export function integerOption(
  name: string,
  value: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") throw wrongType(name, value, "a number");
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const expected = max === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${min}`
      : `an integer from ${min} to ${max}`;
    throw new RangeError(
      `Cannot make codec: ${name} is ${value}, expected ${expected}`,
    );
  }
  return value;
}

/** A boolean. */
export function booleanOption(name: string, value: boolean): boolean {
  if (typeof value !== "boolean") throw wrongType(name, value, "a boolean");
  return value;
}

/** One of some strings; another one is of the wrong type (Web IDL §3.2.18). */
export function choiceOption<T extends string>(
  name: string,
  value: T,
  choices: readonly T[],
): T {
  if (choices.includes(value)) return value;
  throw wrongType(
    name,
    value,
    choices.map((choice) => show(choice)).join(" or "),
  );
}

/** The error about an option or argument of a wrong type. */
export function wrongType(
  name: string,
  value: unknown,
  expected: string,
): TypeError {
  return new TypeError(
    `Cannot make codec: ${name} is ${show(value)}, expected ${expected}`,
  );
}
