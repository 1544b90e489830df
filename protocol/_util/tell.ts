/**
 * Calls a hook where nobody can be told what it throws, and others must not
 * suffer from it: the error is reported as uncaught.
 */
export function tell(hook: () => void): void {
  try {
    hook();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
