import type { Logger } from "../../protocol/_deps.ts";
import type { PendingCall } from "../../protocol/pending_call.ts";
import { PendingCalls } from "../../protocol/pending_calls.ts";
import { type CancellationDialect, isRecord } from "../cancellation.ts";
import type {
  JSONRPCId,
  JSONRPCNotification,
  JSONRPCRequest,
} from "../messages.ts";
import type { RequestOptions } from "../methods.ts";

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

/** A request, and the promise of its result. */
export interface OpenRequest {
  readonly message: JSONRPCRequest;
  /** The result, when this has been sent. */
  track(sending: Promise<void>): Promise<unknown>;
}

/** The requests of one session that have no response yet. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #calls: PendingCalls<unknown, JSONRPCId>;
  /** The progress callback of each request, by its id. */
  readonly #progress = new Map<JSONRPCId, (value: unknown) => void>();

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

  /** Registers a request, and makes its message. */
  open(
    method: string,
    params: unknown,
    options: RequestOptions = {},
  ): OpenRequest {
    const { timeout = this.#options.timeout, onProgress } = options;
    const { signal, totalTimeout } = options;
    const progress = onProgress && this.#requireProgress(params);
    const call = this.#calls.open({ method, signal, timeout, totalTimeout });
    this.#options.onOpen();
    const { id } = call;
    if (progress && onProgress) {
      this.#progress.set(id, onProgress);
      const forget = () => void this.#progress.delete(id);
      call.promise.then(forget, forget);
      params = progress.withToken(isRecord(params) ? params : {}, id);
    }
    return {
      message: callMessage(method, params, id),
      track: (sending) => this.#calls.track(call, sending),
    };
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
    try {
      listener(valueMember === undefined ? rest : params[valueMember]);
    } catch (error) {
      this.#options.logger.error("onProgress failed: {error}", { error });
    }
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

  #cancel({ id }: PendingCall<unknown, JSONRPCId>): void {
    const { dialect, notify } = this.#options;
    if (!dialect) return;
    notify(dialect.cancelMethod, { [dialect.idMember]: id });
    if (!dialect.answersCancelled) this.#calls.forget(id);
  }
}

/** The message of a request, or of a notification if there is no id. */
export function callMessage(
  method: string,
  params: unknown,
  id: JSONRPCId,
): JSONRPCRequest;
export function callMessage(
  method: string,
  params: unknown,
): JSONRPCNotification;
export function callMessage(
  method: string,
  params: unknown,
  id?: JSONRPCId,
): JSONRPCRequest | JSONRPCNotification {
  if (typeof method !== "string") {
    throw new TypeError(
      `Cannot call: method is ${typeof method}: not a string`,
    );
  }
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    throw new TypeError(
      `Cannot call ${JSON.stringify(method)}: params is ${
        params === null ? "null" : typeof params
      }: it must be an object or an array`,
    );
  }
  const jsonrpc = "2.0";
  if (id === undefined) {
    return params === undefined
      ? { jsonrpc, method }
      : { jsonrpc, method, params };
  }
  return params === undefined
    ? { jsonrpc, id, method }
    : { jsonrpc, id, method, params };
}
