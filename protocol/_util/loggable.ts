import { printable } from "./printable.ts";

/** How many causes of causes are looked at. */
const MAX_CAUSES = 16;

/**
 * An error, or whatever was thrown, as it is logged: with its stack and causes,
 * and with escapes in its text, so that a peer's text cannot forge a log line.
 * A value without anything to escape is given as it is.
 */
export function loggable(error: unknown): unknown {
  // What is thrown may be anything, also an object whose members throw.
  try {
    return escaped(error, MAX_CAUSES);
  } catch {
    return typeof error;
  }
}

function escaped(error: unknown, causes: number): unknown {
  if (typeof error === "string") return printable(error);
  if (!(error instanceof Error) || causes === 0) return error;
  const message = printable(String(error.message));
  const cause = escaped(error.cause, causes - 1);
  if (message === error.message && cause === error.cause) return error;
  const stack = `${error.name}: ${message}${framesOf(error)}`;
  const copy = new Error(message, "cause" in error ? { cause } : undefined);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
  return Object.assign(copy, error, { message, stack });
}

/** The lines of the stack, without the message before them. */
function framesOf({ message, stack = "" }: Error): string {
  const rest = stack.slice(stack.indexOf(message) + message.length);
  const start = rest.indexOf("\n    at ");
  return start < 0 ? "" : rest.slice(start);
}
