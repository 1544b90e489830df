// Types for the part of std/async that is used here: the npm package carries none.

export interface RetryOptions {
  multiplier?: number | undefined;
  maxTimeout?: number | undefined;
  maxAttempts?: number | undefined;
  minTimeout?: number | undefined;
  jitter?: number | undefined;
  isRetriable?: ((error: unknown) => boolean) | undefined;
  signal?: AbortSignal | undefined;
}
export class RetryError extends Error {}
export function retry<T>(
  fn: () => T | Promise<T>,
  options?: RetryOptions,
): Promise<T>;
export function delay(
  ms: number,
  options?: {
    signal?: AbortSignal | undefined;
    persistent?: boolean | undefined;
  },
): Promise<void>;
export function deadline<T>(
  promise: Promise<T>,
  ms: number,
  options?: { signal?: AbortSignal | undefined },
): Promise<T>;
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T>;
export function abortable<T>(
  iterable: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T>;
