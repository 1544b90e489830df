/**
 * Wraps an error of the operating system in one of the same class whose message
 * begins with the action and the address.
 *
 * @param action The action and the address: `Connect to tcp://[::1]:4444`.
 * @param flags The permission flags that the action needs, unless the error names them.
 */
export function osError(
  action: string,
  error: unknown,
  flags?: string,
): unknown {
  if (!(error instanceof Error)) return error;
  const Same = error.constructor as ErrorConstructor;
  const message = flags && error.name === "NotCapable"
    ? `${action}: not permitted: run again with ${flags}`
    : `${action}: ${error.message}`;
  return new Same(message, { cause: error });
}

/** Codes of errors that pass: a shortage, or a connection that is gone. */
const PASSING = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED"];

/** Whether an error leaves a listener usable: the system's code is in a cause. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const passes = "code" in error && PASSING.includes(String(error.code));
  return passes || isPassing(error.cause);
}
