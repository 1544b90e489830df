import { ByteBudget } from "../byte_budget.ts";

/** What several sessions hold together: their server's budget. */
export interface SharedBudget {
  join(session: SessionBudget): void;
  leave(session: SessionBudget): void;
  /** Counts bytes that a session holds from now on, or fewer if negative. */
  add(bytes: number): void;
  /** Whether there is too much, and the session holds more than its share. */
  isOver(session: SessionBudget): boolean;
}

/** The part of a session that its parts tell of failures. */
export interface FailingSession {
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  /** Ends the session. */
  fail(cause: unknown): void;
  /** Cuts its end short. */
  force(reason: unknown): void;
}

/** A session's budget, which counts in its server's budget too. */
export class SessionBudget extends ByteBudget {
  #shared: SharedBudget | undefined;
  #unread = 0;
  #ended = false;
  readonly #session: FailingSession;

  constructor(
    limit: number,
    shared: SharedBudget | undefined,
    session: FailingSession,
  ) {
    super(limit);
    this.#session = session;
    this.#shared = shared;
    shared?.join(this);
  }

  /** Ends the session, or cuts its end short: its server holds too much. */
  evict(cause: unknown): void {
    if (this.#ended) this.#session.force(cause);
    else this.#session.fail(cause);
  }

  /** All bytes of the session: those that are held, wait, or are not decoded. */
  get total(): number {
    return this.used + this.waiting + this.#unread;
  }

  override get exceeded(): boolean {
    if (this.#ended) return false;
    return super.exceeded || this.#shared?.isOver(this) === true;
  }

  override take(bytes: number): void {
    super.take(bytes);
    this.#shared?.add(bytes);
  }

  override release(bytes: number): void {
    this.#shared?.add(-bytes);
    super.release(bytes);
  }

  override wait(bytes: number): void {
    super.wait(bytes);
    this.#shared?.add(bytes);
    if (bytes < 0) this.wake();
  }

  /**
   * Counts the bytes that are read and not decoded. They count for the server
   * only: in the session's own limit, a large message would hold itself up.
   */
  setUnread(bytes: number): void {
    const more = bytes - this.#unread;
    if (more === 0) return;
    this.#unread = bytes;
    this.#shared?.add(more);
    if (more < 0) this.wake();
  }

  /** Holds the reader no more: the session has ended. */
  end(): void {
    this.#ended = true;
    this.wake();
  }

  /** Counts for the server no more: the session has released everything. */
  close(): void {
    this.#shared?.leave(this);
    this.#shared = undefined;
  }

  override wake(): void {
    super.wake();
  }
}
