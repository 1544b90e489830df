// Types for the part of std/async that is used here: the npm package carries none.

export interface RetryOptions {
  multiplier?: number;
  maxTimeout?: number;
  maxAttempts?: number;
  minTimeout?: number;
  jitter?: number;
  isRetriable?: (error: unknown) => boolean;
  signal?: AbortSignal;
}
export class RetryError extends Error {}
export function retry<T>(
  fn: () => T | Promise<T>,
  options?: RetryOptions,
): Promise<T>;
export function delay(
  ms: number,
  options?: { signal?: AbortSignal; persistent?: boolean },
): Promise<void>;
export function deadline<T>(
  promise: Promise<T>,
  ms: number,
  options?: { signal?: AbortSignal },
): Promise<T>;
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T>;
export function abortable<T>(
  iterable: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T>;
