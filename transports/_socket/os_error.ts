/**
 * The operating system's error once more, as the same class, with a message
 * that says what was being done and where; the original is its `cause`.
 *
 * @param action What was being done, such as `Connect to tcp://[::1]:4444`.
 * @param flags The permission flags that the action needs.
 */
export function osError(
  action: string,
  error: unknown,
  flags = "",
): unknown {
  if (!(error instanceof Error)) return error;
  const Same = error.constructor as ErrorConstructor;
  const message = error instanceof Deno.errors.NotCapable
    ? `${action}: not permitted: run again with ${flags}`
    : `${action}: ${error.message}`;
  return new Same(message, { cause: error });
}

/** What the system is short of for the moment, or lost on the way. */
const PASSING = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED"];

/** Whether an error of {@linkcode osError} leaves a listener as it was. */
export function isPassing(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause &&
    PASSING.includes(String(cause.code));
}
