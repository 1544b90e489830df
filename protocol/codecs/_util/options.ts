import type { CodecOptions } from "../options.ts";

const MAX_MESSAGE_BYTES = 64 * 1024;

/** The limit that the options ask for. */
export function messageLimit(options: CodecOptions): number {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  return maxMessageBytes === Infinity
    ? Infinity
    : integerOption("maxMessageBytes", maxMessageBytes, 1);
}

/** An integer within bounds, or an error that names the option and its value. */
export function integerOption(
  name: string,
  value: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot make codec: ${name} must be a number: ${describe(value)}`,
    );
  }
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const bounds = most === Number.MAX_SAFE_INTEGER
      ? `of at least ${least}`
      : `from ${least} to ${most}`;
    throw new RangeError(
      `Cannot make codec: ${name} must be an integer ${bounds}: ${value}`,
    );
  }
  return value;
}

/** A boolean, or an error that names the option and its value. */
export function booleanOption(name: string, value: boolean): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Cannot make codec: ${name} must be a boolean: ${describe(value)}`,
    );
  }
  return value;
}

/** A value as an error message shows it. */
export function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
