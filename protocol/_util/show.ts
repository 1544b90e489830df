/** A value as messages show it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // What is no error may have no text, either: an object without a prototype.
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** What an error says; what is thrown may be anything. */
export function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  return error instanceof Error ? error.message : show(error);
}
