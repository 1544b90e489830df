/**
 * Items that wait for the abort of a signal, with one listener a signal: a
 * thousand listeners on one signal make each of them slow to remove.
 */
export class SignalGroups<Item> {
  readonly #groups = new Map<AbortSignal, Group<Item>>();
  readonly #aborted: (items: Iterable<Item>, reason: unknown) => void;

  /** @param aborted Called with the items of a signal when it is aborted. */
  constructor(aborted: (items: Iterable<Item>, reason: unknown) => void) {
    this.#aborted = aborted;
  }

  add(signal: AbortSignal, item: Item): void {
    const group = this.#groups.get(signal) ?? this.#begin(signal);
    group.items.add(item);
  }

  delete(signal: AbortSignal, item: Item): void {
    const group = this.#groups.get(signal);
    if (group?.items.delete(item) && group.items.size === 0) {
      signal.removeEventListener("abort", group.listener);
      this.#groups.delete(signal);
    }
  }

  #begin(signal: AbortSignal): Group<Item> {
    const items = new Set<Item>();
    const listener = () => {
      this.#groups.delete(signal);
      this.#aborted(items, signal.reason);
    };
    const group = { items, listener };
    signal.addEventListener("abort", listener, { once: true });
    this.#groups.set(signal, group);
    return group;
  }
}

interface Group<Item> {
  readonly items: Set<Item>;
  readonly listener: () => void;
}
