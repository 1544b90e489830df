/** Gives pseudo-random numbers from 0 to 1 that depend on the keys alone. */
export function randomFrom(...keys: number[]): () => number {
  let state = 0;
  for (const key of keys) state = scramble(state ^ key);
  return () => {
    state = state + 0x9e3779b9 | 0;
    return scramble(state) / 2 ** 32;
  };
}

/** Spreads a change of any bit over all 32. */
function scramble(value: number): number {
  value = Math.imul(value ^ value >>> 16, 0x21f0aaad);
  value = Math.imul(value ^ value >>> 15, 0x735a2d97);
  return (value ^ value >>> 15) >>> 0;
}
