import { Dispatcher } from "../../protocol/_calls/dispatcher.ts";
import type { Logger } from "../../protocol/_deps.ts";
import { type CancellationDialect, isRecord } from "../cancellation.ts";
import { JSONRPCError, JSONRPCErrorCode } from "../errors.ts";
import type { JSONRPCId, JSONRPCResponse } from "../messages.ts";
import type {
  AnyMethods,
  HandlerContext,
  HandlerOrder,
  JSONRPCCaller,
} from "../methods.ts";
import { IncomingCall } from "./incoming_call.ts";

/** How many handlers run at once by default. */
const MAX_RUNNING = 64;

/** A handler without types: the options have checked it. */
export type Handler = (params: unknown, context: HandlerContext) => unknown;

/** The parts of the peer that incoming calls need. */
export interface IncomingOptions {
  readonly caller: JSONRPCCaller<AnyMethods>;
  readonly methods: ReadonlyMap<string, Handler>;
  readonly order: HandlerOrder;
  readonly dialect: CancellationDialect | undefined;
  readonly logger: Logger;
}

/** Where a response goes: out, or into the array of a batch. */
export type Respond = (
  response: JSONRPCResponse | undefined,
) => void | Promise<void>;

/** The requests and notifications of the peer, from arrival to response. */
export class Incoming {
  readonly #options: IncomingOptions;
  readonly #dispatcher: Dispatcher;
  readonly #requests = new Map<JSONRPCId, IncomingCall>();
  readonly #notifications = new Set<IncomingCall>();

  constructor(options: IncomingOptions) {
    this.#options = options;
    const { order } = options;
    this.#dispatcher = new Dispatcher(
      typeof order === "number" ? order : MAX_RUNNING,
    );
  }

  /** How many calls run or wait. */
  get size(): number {
    return this.#dispatcher.size;
  }

  /** Whether there is a handler of this method. */
  handles(method: string): boolean {
    return this.#options.methods.has(method);
  }

  /** Resolves when no call runs or waits, or the session has ended. */
  idle(): Promise<void> {
    return this.#dispatcher.idle();
  }

  /** Runs the handler of a request in its turn, and responds. */
  request(
    id: JSONRPCId,
    method: string,
    params: unknown,
    respond: Respond,
  ): void | Promise<void> {
    const handler = this.#options.methods.get(method);
    if (!handler) {
      const { METHOD_NOT_FOUND } = JSONRPCErrorCode;
      return respond(failure(id, METHOD_NOT_FOUND, "Method not found"));
    }
    if (this.#requests.has(id)) {
      const { INVALID_REQUEST } = JSONRPCErrorCode;
      return respond(failure(id, INVALID_REQUEST, "The id is in use"));
    }
    const call = this.#call(method, params, id);
    this.#requests.set(id, call);
    this.#start(handler, call, (response) => {
      this.#requests.delete(id);
      call.answered = true;
      return respond(response);
    });
  }

  /** Runs the handler of a notification in its turn, if there is one. */
  notification(
    method: string,
    params: unknown,
    respond: Respond,
  ): void | Promise<void> {
    const handler = this.#options.methods.get(method);
    if (!handler) return respond(undefined);
    const call = this.#call(method, params, undefined);
    this.#notifications.add(call);
    this.#start(handler, call, () => {
      this.#notifications.delete(call);
      return respond(undefined);
    });
  }

  /** Whether the notification cancels a request, whose signal is then aborted. */
  cancel(method: string, params: unknown): boolean {
    const { dialect } = this.#options;
    if (dialect?.cancelMethod !== method) return false;
    const id = isRecord(params) ? params[dialect.idMember] : undefined;
    this.#requests.get(id as JSONRPCId)?.cancel(
      new DOMException("The caller has cancelled the request", "AbortError"),
    );
    return true;
  }

  /** Aborts every handler's signal: the session has ended. */
  end(cause: unknown): void {
    for (const call of this.#requests.values()) call.cancel(cause);
    for (const call of this.#notifications) call.cancel(cause);
    this.#dispatcher.end();
  }

  #start(handler: Handler, call: IncomingCall, respond: Respond): void {
    let key: unknown;
    try {
      key = this.#keyOf(call);
    } catch (error) {
      respond(this.#fail(call, error));
      return;
    }
    this.#dispatcher.run(key, () => {
      const answer = this.#run(handler, call);
      return answer instanceof Promise ? answer.then(respond) : respond(answer);
    });
  }

  #call(
    method: string,
    params: unknown,
    id: JSONRPCId | undefined,
  ): IncomingCall {
    return new IncomingCall(this.#options, method, params, id);
  }

  /** Calls of one key run one after the other; those without one do not wait. */
  #keyOf({ method, params }: IncomingCall): unknown {
    const { order } = this.#options;
    if (order === "serial") return order;
    if (typeof order !== "function") return undefined;
    const key = order(method, params);
    if (!isThenable(key)) return key;
    Promise.resolve(key).catch(() => {});
    throw new TypeError("order returned a promise: it must return a key");
  }

  /** The response to a call, or undefined for a notification. Never rejects. */
  #run(
    handler: Handler,
    call: IncomingCall,
  ): JSONRPCResponse | undefined | Promise<JSONRPCResponse | undefined> {
    try {
      if (call.cancelled) call.signal.throwIfAborted();
      const result = handler(call.params, call);
      return isThenable(result)
        ? Promise.resolve(result).then(
          (result) => this.#succeed(call, result),
          (error) => this.#fail(call, error),
        )
        : this.#succeed(call, result);
    } catch (error) {
      return this.#fail(call, error);
    }
  }

  #succeed(call: IncomingCall, result: unknown): JSONRPCResponse | undefined {
    if (typeof result === "function" || typeof result === "symbol") {
      const error = new TypeError(`The result is a ${typeof result}`);
      return this.#fail(call, error);
    }
    return call.id === undefined || this.#isUnanswered(call)
      ? undefined
      : { jsonrpc: "2.0", id: call.id, result: result ?? null };
  }

  #fail(call: IncomingCall, error: unknown): JSONRPCResponse | undefined {
    const { id, method } = call;
    const expected = error instanceof JSONRPCError;
    if (!expected && !call.cancelled) {
      this.#options.logger.error("Handler of {method} failed: {error}", {
        method,
        error,
      });
    }
    if (id === undefined || this.#isUnanswered(call)) return undefined;
    if (expected) return { jsonrpc: "2.0", id, error: error.toJSON() };
    const { INTERNAL_ERROR, REQUEST_CANCELLED } = JSONRPCErrorCode;
    return call.cancelled
      ? failure(id, REQUEST_CANCELLED, "Request cancelled")
      : failure(id, INTERNAL_ERROR, "Internal error");
  }

  #isUnanswered(call: IncomingCall): boolean {
    return call.cancelled && this.#options.dialect?.answersCancelled === false;
  }
}

/** A response that is an error. */
export function failure(
  id: JSONRPCId,
  code: number,
  message: string,
): JSONRPCResponse {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
