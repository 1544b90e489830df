/**
 * Calls a hook that nobody waits for, and that its caller must not suffer from.
 * It may be async, also if its type says void: TypeScript allows that.
 *
 * @param failed Called with what the hook throws or rejects with. By default the
 * error is reported as uncaught.
 */
export function callHook(
  hook: () => unknown,
  failed: (error: unknown) => void = throwLater,
): void {
  try {
    const result = hook();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
