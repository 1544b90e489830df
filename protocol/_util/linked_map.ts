interface Entry<Key, Value> {
  readonly key: Key;
  readonly value: Value;
  previous: Entry<Key, Value> | undefined;
  next: Entry<Key, Value> | undefined;
}

/**
 * A map in the order of insertion, of which the first entry is found at once. A
 * `Map` alone finds it only behind the places of those that were deleted; and an
 * iterator that stays at the front keeps the memory of all of them.
 */
export class LinkedMap<Key, Value> {
  readonly #entries = new Map<Key, Entry<Key, Value>>();
  #first: Entry<Key, Value> | undefined;
  #last: Entry<Key, Value> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** The value that was inserted first. */
  get first(): Value | undefined {
    return this.#first?.value;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Inserts a value behind the others; the key must be new. */
  insert(key: Key, value: Value): void {
    const entry = { key, value, previous: this.#last, next: undefined };
    this.#entries.set(key, entry);
    if (this.#last) this.#last.next = entry;
    else this.#first = entry;
    this.#last = entry;
  }

  /** Removes a value, and returns it. */
  delete(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // While an old entry points to a young one, the young one is not collected.
    entry.previous = entry.next = undefined;
    return entry.value;
  }

  /** Removes the value that was inserted first. */
  shift(): Value | undefined {
    return this.#first && this.delete(this.#first.key);
  }

  clear(): void {
    this.#entries.clear();
    this.#first = this.#last = undefined;
  }

  *values(): Generator<Value> {
    for (let entry = this.#first; entry; entry = entry.next) yield entry.value;
  }
}
