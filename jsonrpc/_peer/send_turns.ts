import type { ByteBudget } from "../../protocol/byte_budget.ts";

/** If more messages wait, all are sent at once: a full queue ends the session. */
const MAX_WAITING = 1024;

/**
 * Sends large messages in turn: while a third of the budget is used, each waits for
 * the room of the one before. Responses that are ready at the same time would fill
 * the queue at once, which ends the session of a peer that reads.
 */
export class SendTurns {
  readonly #budget: () => ByteBudget;
  /** Settles when the last message has found room. */
  #last: Promise<void> = Promise.resolve();
  /** Sends the messages that wait, in order. */
  readonly #waiting = new Set<() => Promise<void>>();

  /** @param budget The budget of the session. */
  constructor(budget: () => ByteBudget) {
    this.#budget = budget;
  }

  /** Sends a large message now, or in its turn; settles as the send does. */
  send(send: () => Promise<void>): Promise<void> {
    const { used, limit } = this.#budget();
    if (3 * used <= limit) return this.sendNext(send);
    return this.#wait(send);
  }

  /** Sends now, or behind the messages that wait; settles as the send does. */
  sendNext(send: () => Promise<void>): Promise<void> {
    return this.#waiting.size > 0 ? this.#wait(send) : this.#last = send();
  }

  /** Sends all messages that wait, in order: a queue that is full ends the session. */
  sendAll(): void {
    for (const turn of this.#waiting) turn().catch(() => {});
  }

  #wait(send: () => Promise<void>): Promise<void> {
    let sent: Promise<void> | undefined;
    const turn = () => {
      this.#waiting.delete(turn);
      return sent ??= send();
    };
    this.#waiting.add(turn);
    this.#last = this.#last.then(turn, turn);
    this.#last.catch(() => {});
    if (this.#waiting.size > MAX_WAITING) this.sendAll();
    return this.#last;
  }
}
