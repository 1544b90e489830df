import type {
  JSONRPCId,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "../messages.ts";
import type {
  CallArgs,
  JSONRPCCaller,
  RequestOptions,
  ResultOf,
} from "../methods.ts";
import type { ByteBudget } from "../../protocol/byte_budget.ts";
import { JSONRPCErrorCode } from "../errors.ts";
import { failure, type Respond } from "./incoming.ts";
import { callMessage, type Outgoing } from "./outgoing.ts";

/** Gathers the calls of one outgoing batch (JSON-RPC 2.0 §6). */
export class Batch<Remote> implements JSONRPCCaller<Remote> {
  readonly messages: (JSONRPCRequest | JSONRPCNotification)[] = [];
  readonly #outgoing: Outgoing;
  readonly #sent = Promise.withResolvers<void>();
  #sealed = false;

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing;
    this.#sent.promise.catch(() => {});
  }

  /**
   * Takes no more calls.
   *
   * @param sending Settles when the batch has been sent.
   */
  seal(sending: Promise<void>): void {
    this.#sealed = true;
    this.#sent.resolve(sending);
  }

  request<Name extends keyof Remote & string>(
    method: Name,
    ...[params, options]: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    this.#assertOpen(method);
    const { message, track } = this.#outgoing.open(method, params, options);
    this.messages.push(message);
    const result = track(this.#sent.promise);
    return result as Promise<ResultOf<Remote[Name]>>;
  }

  notify<Name extends keyof Remote & string>(
    method: Name,
    ...[params]: CallArgs<Remote[Name], never>
  ): Promise<void> {
    this.#assertOpen(method);
    this.messages.push(callMessage(method, params));
    return this.#sent.promise;
  }

  #assertOpen(method: string): void {
    if (!this.#sealed) return;
    throw new TypeError(
      `Cannot call ${JSON.stringify(method)}: the batch has been sent`,
    );
  }
}

/**
 * Gathers the responses to an incoming batch, which are sent as one array (§6).
 * They count in the session's budget; what does not fit is refused.
 */
export class BatchResponses {
  readonly #budget: ByteBudget;
  readonly #send: (responses: JSONRPCMessage) => void | Promise<void>;
  readonly #responses: JSONRPCResponse[] = [];
  #missing: number;
  #bytes = 0;

  /** @param members The number of calls, including those without response. */
  constructor(
    members: number,
    budget: ByteBudget,
    send: (responses: JSONRPCMessage) => void | Promise<void>,
  ) {
    this.#missing = members;
    this.#budget = budget;
    this.#send = send;
  }

  /** Whether no more responses fit: a call need not be run. */
  get full(): boolean {
    return this.#budget.exceeded;
  }

  /** Takes the response to a member, if it has one; the last one sends all. */
  readonly respond: Respond = (response) => {
    if (response) this.#take(response);
    this.#missing--;
    if (this.#missing > 0) return;
    this.#budget.release(this.#bytes);
    if (this.#responses.length > 0) return this.#send(this.#responses);
  };

  #take(response: JSONRPCResponse): void {
    const { id } = response;
    const bytes = sizeOf(response);
    if (bytes === undefined) {
      const { INTERNAL_ERROR } = JSONRPCErrorCode;
      this.#responses.push(failure(id, INTERNAL_ERROR, "Internal error"));
    } else if (this.full) {
      this.#responses.push(busy(id));
    } else {
      this.#bytes += bytes;
      this.#budget.take(bytes);
      this.#responses.push(response);
    }
  }
}

/** The refusal of a call whose response would be too much. */
export function busy(id: JSONRPCId): JSONRPCResponse {
  const { SERVER_BUSY } = JSONRPCErrorCode;
  return failure(id, SERVER_BUSY, "Server busy: the session holds too much");
}

/** About how many bytes a response takes; undefined if it has no JSON text. */
function sizeOf(response: JSONRPCResponse): number | undefined {
  try {
    return JSON.stringify(response).length;
  } catch {
    return undefined;
  }
}
