import type { ByteBudget } from "../../protocol/byte_budget.ts";

/** With more waiting sends than these, none waits: the queue fills, and the session ends. */
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
  #waiting = 0;

  /** @param budget The budget of the session. */
  constructor(budget: () => ByteBudget) {
    this.#budget = budget;
  }

  /** Sends now, or in its turn; settles as the send does. */
  send(send: () => Promise<void>): Promise<void> {
    const { used, limit } = this.#budget();
    const isFree = this.#waiting === 0 && 3 * used <= limit;
    if (isFree || this.#waiting >= MAX_WAITING) return this.#last = send();
    this.#waiting++;
    const turn = () => {
      this.#waiting--;
      return send();
    };
    this.#last = this.#last.then(turn, turn);
    this.#last.catch(() => {});
    return this.#last;
  }
}
