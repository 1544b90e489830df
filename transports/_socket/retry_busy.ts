import { retry, RetryError } from "../_deps.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * Retries an attempt that fails with `Deno.errors.WouldBlock`, with back-off, for
 * about three seconds in all.
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
      isRetriable: (error) => error instanceof systemErrors.WouldBlock,
      signal,
    });
  } catch (error) {
    throw error instanceof RetryError ? error.cause : error;
  }
}
