import type { Listener } from "../../../transports/mod.ts";

/** A listener with some of its members replaced. */
export function changedListener(
  listener: Listener,
  changes: Partial<Listener>,
): Listener {
  return {
    address: listener.address,
    accept: (options) => listener.accept(options),
    close: () => listener.close(),
    [Symbol.asyncIterator]: () => listener[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => listener.close(),
    ...changes,
  };
}
