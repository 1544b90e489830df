import type { Logger } from "../../protocol/_deps.ts";
import { callHook } from "../../protocol/_util/call_hook.ts";
import { SENT } from "../../protocol/_util/sent.ts";
import type { PendingCall } from "../../protocol/pending_call.ts";
import { PendingCalls } from "../../protocol/pending_calls.ts";
import { type CancellationDialect, isRecord } from "../cancellation.ts";
import type { JSONRPCId, JSONRPCRequest } from "../messages.ts";
import type { RequestOptions } from "../methods.ts";
import { checkCall, requestMessage } from "./call_messages.ts";

/** The parts of the peer that outgoing calls need. */
export interface OutgoingOptions {
  readonly dialect: CancellationDialect | undefined;
  readonly timeout: number | undefined;
  readonly logger: Logger;
  /** Sends a notification without waiting for room; never rejects. */
  notify(method: string, params: unknown): void;
  /** Called with each request. */
  onOpen(): void;
}

/** A request that has no response yet. */
export type OutgoingCall = PendingCall<unknown, JSONRPCId>;

/** The requests of one session that have no response yet. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #calls: PendingCalls<unknown, JSONRPCId>;
  /** The progress callback of each request, by its id. */
  readonly #progress = new Map<JSONRPCId, (value: unknown) => void>();
  /** The sending of each request that was not sent at once. */
  readonly #sending = new WeakMap<OutgoingCall, Promise<void>>();

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#calls = new PendingCalls({
      onAbandoned: (call) => this.#cancel(call),
    });
  }

  /** How many requests wait for their response. */
  get size(): number {
    return this.#calls.size;
  }

  /** Whether the peer owes a response, perhaps to a request that was given up. */
  get owed(): boolean {
    return this.#calls.first() !== undefined;
  }

  /**
   * Sends a request, and resolves with the result of its response.
   *
   * @param send Is told the call: a batch is sent later.
   */
  request(
    method: string,
    params: unknown,
    options: RequestOptions = {},
    send: (message: JSONRPCRequest, call: OutgoingCall) => Promise<void>,
  ): Promise<unknown> {
    const { timeout = this.#options.timeout, onProgress } = options;
    const { signal, totalTimeout } = options;
    checkCall(method, params);
    const progress = onProgress && this.#requireProgress(params);
    const call = this.#calls.open({ method, signal, timeout, totalTimeout });
    this.#options.onOpen();
    const { id } = call;
    try {
      if (progress && onProgress) {
        this.#progress.set(id, onProgress);
        const forget = () => void this.#progress.delete(id);
        call.promise.then(forget, forget);
        params = progress.withToken(isRecord(params) ? params : {}, id);
      }
      const message = requestMessage(id, method, params);
      const sending = send(message, call);
      if (sending !== SENT) this.#sending.set(call, sending);
      return this.#calls.track(call, sending);
    } catch (error) {
      this.#calls.reject(id, error);
      return call.promise;
    }
  }

  /** Whether a request waits for its response, given up or not. */
  has(id: JSONRPCId): boolean {
    return this.#calls.has(id);
  }

  /** Settles a request; false if no request has this id. */
  resolve(id: JSONRPCId, result: unknown): boolean {
    return this.#calls.resolve(id, result);
  }

  reject(id: JSONRPCId, error: unknown): boolean {
    return this.#calls.reject(id, error);
  }

  /** Calls the request's progress callback, if the notification reports progress. */
  report(method: string, params: unknown): boolean {
    const progress = this.#options.dialect?.progress;
    if (progress?.method !== method || !isRecord(params)) return false;
    const { [progress.tokenMember]: token, ...rest } = params;
    const listener = this.#progress.get(token as JSONRPCId);
    if (!listener) return false;
    this.#calls.extend(token as JSONRPCId);
    const { valueMember } = progress;
    const value = valueMember === undefined ? rest : params[valueMember];
    callHook(() => listener(value), (error) => {
      this.#options.logger.error("onProgress failed: {error}", { error });
    });
    return true;
  }

  /** Rejects the pending requests with a `CallInterruptedError`. */
  end(cause: unknown): void {
    this.#calls.end(cause);
  }

  #requireProgress(params: unknown) {
    const progress = this.#options.dialect?.progress;
    if (progress && (params === undefined || isRecord(params))) return progress;
    throw new TypeError(
      progress
        ? "Cannot ask for progress: params is an array: it must be an object"
        : "Cannot ask for progress: cancellation is a dialect without progress",
    );
  }

  #cancel(call: OutgoingCall): void {
    const { id, sent } = call;
    const { dialect, notify } = this.#options;
    if (!sent) this.#calls.forget(id); // Its batch leaves it out.
    if (!dialect || !sent) return;
    const tell = () => notify(dialect.cancelMethod, { [dialect.idMember]: id });
    const sending = this.#sending.get(call);
    // If it cannot be sent, there is nothing to cancel.
    if (sending) sending.then(tell, () => {});
    else tell();
    if (!dialect.answersCancelled) this.#calls.forget(id);
  }
}
