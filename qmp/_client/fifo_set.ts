/** A queue from which any item can be removed; each operation takes constant time. */
export class FifoSet<T> {
  readonly #items = new Set<T>();
  /**
   * Stands before the first item. A new iterator would pass all the places of
   * the removed items, one by one.
   */
  #front = this.#items.values();

  push(item: T): void {
    this.#items.add(item);
  }

  remove(item: T): void {
    this.#items.delete(item);
  }

  /** Removes the first item. */
  shift(): T | undefined {
    if (this.#items.size === 0) return undefined;
    let next = this.#front.next();
    if (next.done) {
      this.#front = this.#items.values();
      next = this.#front.next();
    }
    if (next.done) return undefined;
    this.#items.delete(next.value);
    return next.value;
  }

  clear(): void {
    this.#items.clear();
  }
}
