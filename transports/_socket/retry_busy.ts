import { retry, RetryError } from "../_deps.ts";

/**
 * Tries again, with back-off and for some three seconds in all, what was
 * refused for the moment with `Deno.errors.WouldBlock`.
 */
export async function retryBusy<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await retry(attempt, {
      maxAttempts: 12,
      minTimeout: 5,
      maxTimeout: 1000,
      isRetriable: (error) => error instanceof Deno.errors.WouldBlock,
      signal,
    });
  } catch (error) {
    throw error instanceof RetryError ? error.cause : error;
  }
}
