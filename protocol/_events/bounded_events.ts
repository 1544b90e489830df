/** An event that was taken, whatever its value. */
export interface Taken<E> {
  readonly event: E;
}

interface Entry<E> extends Taken<E> {
  readonly bytes: number;
}

/** The limits of what is kept. */
export interface BoundedEventsOptions {
  readonly limit: number;
  readonly maxBytes: number;
}

/**
 * Events in order, up to a number of events and a number of bytes on the wire.
 * The newest event is kept in any case.
 */
export class BoundedEvents<E> {
  readonly #options: BoundedEventsOptions;
  #entries: (Entry<E> | undefined)[] = [];
  /** The place of the oldest entry: what is before it has been removed. */
  #first = 0;
  #bytes = 0;

  constructor(options: BoundedEventsOptions) {
    this.#options = options;
  }

  /** Appends an event; returns how many old ones are dropped for it. */
  push(event: E, bytes: number): number {
    this.#entries.push({ event, bytes });
    this.#bytes += bytes;
    const { limit, maxBytes } = this.#options;
    let dropped = 0;
    while (
      this.#length > 1 && (this.#length > limit || this.#bytes > maxBytes)
    ) {
      this.#removeAt(this.#first);
      dropped++;
    }
    return dropped;
  }

  /** Removes the oldest event that is wanted. `undefined` is an event as well. */
  take(wants: (event: E) => boolean): Taken<E> | undefined {
    for (let at = this.#first; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry && wants(entry.event)) {
        this.#removeAt(at);
        return entry;
      }
    }
    return undefined;
  }

  /** A copy of the events. */
  toArray(): E[] {
    return this.#entries.slice(this.#first).flatMap((entry) =>
      entry ? [entry.event] : []
    );
  }

  /** Removes all events, and returns them. */
  clear(): E[] {
    const events = this.toArray();
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
    return events;
  }

  get #length(): number {
    return this.#entries.length - this.#first;
  }

  #removeAt(at: number): void {
    this.#bytes -= this.#entries[at]?.bytes ?? 0;
    if (at > this.#first) {
      this.#entries.splice(at, 1);
      return;
    }
    this.#entries[this.#first++] = undefined;
    // Removing half of the array at a time keeps the cost of an event constant.
    if (this.#first * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
  }
}
