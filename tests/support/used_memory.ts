/**
 * The bytes of JavaScript's memory in use, after collections of garbage. It needs
 * `--v8-flags=--expose-gc`.
 */
export async function usedMemory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve));
    Reflect.get(globalThis, "gc")();
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
