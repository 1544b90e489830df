import { CallError, EventHub, ParleyError, PendingCalls } from "@parley/parley";
import type { Message, Methods, Params, Result } from "./methods.ts";

/** A method that the browser refuses. */
export class CDPError extends ParleyError {}

/** Options of a call. */
export interface CallOptions {
  /** Gives the call up; the browser executes it all the same. */
  signal?: AbortSignal | undefined;
  /** In milliseconds; 10,000 if it is not given. */
  timeout?: number | undefined;
}

/** How a session sends: the connection adds whose message it is. */
export type Send = (message: Message) => Promise<void>;

/** All sessions count together: a refusal may not tell whose call it is for. */
let lastId = 0;

/**
 * One of the sessions in a connection: of the browser, or of a page. Each has
 * calls and events of its own.
 */
export class CDPSession {
  /** Events by their method; those of pages come once they are enabled. */
  readonly events = new EventHub<Message>(({ method }) => `${method}`);
  readonly #send: Send;
  readonly #calls: PendingCalls<unknown> = new PendingCalls({
    onAbandoned: ({ id }) => this.#calls.forget(id), // see receive()
  });
  readonly #ended = new AbortController();

  constructor(send: Send) {
    this.#send = send;
  }

  /** Aborted when the session has ended, with the cause as the reason. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * @throws {CDPError} The browser refuses the call.
   * @throws {CallError} There is no reply; `sent` tells whether it was sent.
   */
  async call<M extends keyof Methods>(
    method: M,
    params: Params<M>,
    { signal, timeout = 10_000 }: CallOptions = {},
  ): Promise<Result<M>> {
    if (this.signal.aborted) {
      const message = `Cannot call ${method}: the session has ended`;
      const cause = this.signal.reason;
      throw new CallError(message, { method, sent: false, cause });
    }
    const id = ++lastId;
    const call = this.#calls.open({ id, method, signal, timeout });
    const sending = this.#send({ id, method, params: { ...params } });
    return await this.#calls.track(call, sending) as Result<M>;
  }

  /** Takes an event or a reply; false if no call waits for the reply. */
  receive(message: Message, bytes: number): boolean {
    const { id, result, error } = message;
    if (id === undefined) {
      this.events.dispatch(message, bytes);
      return true;
    }
    if (!error) return this.#calls.resolve(id, result);
    const text = `${error.message} (code ${error.code})`;
    return this.#calls.reject(id, new CDPError(text));
  }

  /** Rejects the calls that wait, and all later ones. */
  end(cause: unknown): void {
    this.#calls.end(cause);
    this.events.end(cause);
    this.#ended.abort(cause);
  }
}
