import type { ByteBudget } from "../../protocol/byte_budget.ts";

/** If more messages wait, all are sent at once: a full queue ends the session. */
const MAX_WAITING = 1024;
/** The same if they take so many times the limit of the session's budget. */
const MAX_BUDGETS = 16;

/** The parts of the session that the turns need. */
export interface SendTurnsHost<Message> {
  /** The budget of the session. */
  budget(): ByteBudget;
  /** How many bytes a message takes; throws if it cannot be encoded. */
  sizeOf(message: Message): number;
  /** Called when a message has waited and is sent. */
  onTurn(): void;
}

/** Sends a message, and settles when there is room for the next. */
type Send<Message> = (message: Message) => Promise<void>;

/**
 * Sends large messages in turn: while a third of the budget is used, each waits for
 * the room of the one before. Responses that are ready at the same time would fill
 * the queue at once, which ends the session of a peer that reads.
 */
export class SendTurns<Message> {
  readonly #host: SendTurnsHost<Message>;
  /** Settles when the last message has found room. */
  #last: Promise<void> = Promise.resolve();
  /** Sends the messages that wait, in order. */
  readonly #waiting = new Set<() => Promise<void>>();

  constructor(host: SendTurnsHost<Message>) {
    this.#host = host;
  }

  /** Whether the messages that wait take more than a third of the budget. */
  get full(): boolean {
    const { waiting, limit } = this.#host.budget();
    return 3 * waiting > limit;
  }

  /** Sends a large message now, or in its turn; settles as the send does. */
  send(message: Message, send: Send<Message>): Promise<void> {
    const { used, limit } = this.#host.budget();
    if (3 * used <= limit) return this.sendNext(message, send);
    return this.#wait(message, send);
  }

  /** Sends now, or behind the messages that wait; settles as the send does. */
  sendNext(message: Message, send: Send<Message>): Promise<void> {
    return this.#waiting.size > 0
      ? this.#wait(message, send)
      : this.#last = send(message);
  }

  /** Sends all messages that wait, in order: a queue that is full ends the session. */
  sendAll(): void {
    for (const turn of this.#waiting) turn().catch(() => {});
  }

  #wait(message: Message, send: Send<Message>): Promise<void> {
    const budget = this.#host.budget();
    const bytes = this.#sizeOf(message);
    let sent: Promise<void> | undefined;
    const turn = () => {
      if (this.#waiting.delete(turn)) {
        budget.wait(-bytes);
        this.#host.onTurn();
      }
      return sent ??= send(message);
    };
    this.#waiting.add(turn);
    budget.wait(bytes);
    this.#last = this.#last.then(turn, turn);
    this.#last.catch(() => {});
    const full = budget.waiting > MAX_BUDGETS * budget.limit;
    if (full || this.#waiting.size > MAX_WAITING) this.sendAll();
    return this.#last;
  }

  /** A message that cannot be encoded fails in its turn. */
  #sizeOf(message: Message): number {
    try {
      return this.#host.sizeOf(message);
    } catch {
      return 0;
    }
  }
}
