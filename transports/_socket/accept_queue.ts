import { systemErrors } from "../_util/system_errors.ts";

/** A listener of raw connections. */
export interface Accepts<Conn> {
  accept(): Promise<Conn>;
  close(): void | Promise<void>;
}

/**
 * Accepts from several listeners as if they were one, in the order of arrival.
 * There is at most one accept under way at each.
 */
export class AcceptQueue<Conn extends { close(): void }>
  implements Accepts<Conn> {
  readonly #listeners: readonly Accepts<Conn>[];
  readonly #idle: Set<Accepts<Conn>>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #arrived: Promise<Conn>[] = [];
  #wake = () => {};
  #closed = false;

  constructor(listeners: readonly Accepts<Conn>[]) {
    this.#listeners = listeners;
    this.#idle = new Set(listeners);
  }

  async accept(): Promise<Conn> {
    for (;;) {
      const arrived = this.#arrived.shift();
      if (arrived) return await arrived;
      if (this.#closed) throw new systemErrors.BadResource("closed");
      for (const listener of this.#idle) this.#start(listener);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
    for (const arrived of this.#arrived.splice(0)) discard(arrived);
    this.#wake();
    // An address is free again once its accept has settled.
    await Promise.all(this.#underWay);
  }

  #start(listener: Accepts<Conn>): void {
    this.#idle.delete(listener);
    const accepted = listener.accept();
    const settled = () => {
      this.#underWay.delete(done);
      if (this.#closed) return discard(accepted);
      this.#idle.add(listener);
      this.#arrived.push(accepted);
      this.#wake();
    };
    const done = accepted.then(settled, settled);
    this.#underWay.add(done);
  }
}

function discard(accepted: Promise<{ close(): void }>): void {
  accepted.then((conn) => conn.close(), () => {});
}
