// Types for the part of std/bytes that is used here: the npm package carries none.

export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
export function equals(a: Uint8Array, b: Uint8Array): boolean;
export function indexOfNeedle(
  source: Uint8Array,
  needle: Uint8Array,
  start?: number,
): number;
