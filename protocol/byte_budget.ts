import { checkNumber } from "./_util/validate.ts";

/**
 * The bytes that a session holds for its peer: messages that are queued to be
 * sent, and received messages that are kept. While it holds more than the limit
 * allows, it reads nothing.
 *
 * Bytes count as they are on the wire. The value that is decoded from them may
 * take up to 28 times as much memory (JSON that consists of brackets).
 *
 * @example Counting what is kept
 * ```ts
 * import { ByteBudget } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const budget = new ByteBudget(1000);
 * budget.take(1500);
 * assertEquals(budget.exceeded, true);
 * const room = budget.room();
 * budget.release(600);
 * await room;
 * assertEquals(budget.used, 900);
 * ```
 */
export class ByteBudget {
  /** How many bytes may be held. */
  readonly limit: number;
  #used = 0;
  #waiting = 0;
  #full = false;
  #room: PromiseWithResolvers<void> | undefined;

  /**
   * Makes a budget of which nothing is used.
   *
   * @throws {TypeError} The limit is not a number.
   * @throws {RangeError} The limit is negative.
   */
  constructor(limit: number) {
    checkNumber("limit", limit, 0, Infinity);
    this.limit = limit;
  }

  /** The number of bytes that are held. */
  get used(): number {
    return this.#used;
  }

  /** The number of bytes that wait to be sent: see {@linkcode ByteBudget.wait}. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Whether nothing more is to be read, whatever the number of bytes: for a
   * protocol that also limits the number of messages that it keeps.
   */
  get full(): boolean {
    return this.#full;
  }

  set full(full: boolean) {
    this.#full = full;
    this.wake();
  }

  /** Whether more is held than the limit allows, or the budget is full. */
  get exceeded(): boolean {
    return this.#used > this.limit || this.#full;
  }

  /** Counts bytes that are held from now on. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  /** Counts bytes that are not held any more. */
  release(bytes: number): void {
    this.#used -= bytes;
    this.wake();
  }

  /**
   * Counts bytes that wait for others to be sent, or fewer if negative. They count
   * in the limit of a server, but do not hold the reader: two ends of which each
   * waits for the other to read would wait for ever.
   */
  wait(bytes: number): void {
    this.#waiting += bytes;
  }

  /** Resolves when the budget is not exceeded: at once, or later. */
  room(): Promise<void> {
    if (!this.exceeded) return Promise.resolve();
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Tells what waits for room that there is some, if there is. */
  protected wake(): void {
    if (!this.#room || this.exceeded) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
