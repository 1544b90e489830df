/** A value as error messages show it. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  // An object without a prototype has no text.
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}

/** The message of an error, or the text of another thrown value. */
export function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  return error instanceof Error ? error.message : show(error);
}
