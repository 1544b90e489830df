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
import { notificationMessage } from "./call_messages.ts";
import type { Outgoing, OutgoingCall } from "./outgoing.ts";

/** Gathers the calls of one outgoing batch (JSON-RPC 2.0 §6). */
export class Batch<Remote> implements JSONRPCCaller<Remote> {
  readonly #messages: (JSONRPCRequest | JSONRPCNotification)[] = [];
  readonly #calls: OutgoingCall[] = [];
  readonly #outgoing: Outgoing;
  readonly #sent = Promise.withResolvers<void>();
  #sealed = false;

  constructor(outgoing: Outgoing) {
    this.#outgoing = outgoing;
    this.#sent.promise.catch(() => {});
  }

  /** The messages to send, without the requests that were given up before. */
  get messages(): (JSONRPCRequest | JSONRPCNotification)[] {
    return this.#messages.filter((message) =>
      !("id" in message) || this.#outgoing.has(message.id)
    );
  }

  /**
   * Takes no more calls.
   *
   * @param sending Settles when the batch has been sent.
   */
  seal(sending: Promise<void>): void {
    this.#sealed = true;
    for (const call of this.#calls) call.sent = true;
    this.#sent.resolve(sending);
  }

  request<Name extends keyof Remote & string>(
    method: Name,
    ...[params, options]: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    this.#assertOpen(method);
    const send = (message: JSONRPCRequest, call: OutgoingCall) => {
      call.sent = false;
      this.#calls.push(call);
      this.#messages.push(message);
      return this.#sent.promise;
    };
    const result = this.#outgoing.request(method, params, options, send);
    return result as Promise<ResultOf<Remote[Name]>>;
  }

  notify<Name extends keyof Remote & string>(
    method: Name,
    ...[params]: CallArgs<Remote[Name], never>
  ): Promise<void> {
    this.#assertOpen(method);
    this.#messages.push(notificationMessage(method, params));
    return this.#sent.promise;
  }

  #assertOpen(method: string): void {
    if (!this.#sealed) return;
    throw new TypeError(
      `Cannot call ${JSON.stringify(method)}: the batch has been sent`,
    );
  }
}

/** How much the responses take that wait for the others of their batch. */
export class ResponseBytes {
  readonly #budget: ByteBudget;
  readonly #limit: number;
  #used = 0;

  constructor(budget: ByteBudget, limit: number) {
    this.#budget = budget;
    this.#limit = limit;
  }

  /** Counts a response; false if it does not fit. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    this.#budget.take(bytes);
    return true;
  }

  release(bytes: number): void {
    this.#used -= bytes;
    this.#budget.release(bytes);
  }
}

/** What the responses of a batch need. */
export interface BatchHost {
  readonly held: ResponseBytes;
  /** How many bytes a response takes; undefined if it cannot be encoded. */
  sizeOf(response: JSONRPCResponse): number | undefined;
  send(responses: JSONRPCMessage): void | Promise<void>;
}

/**
 * Gathers the responses to an incoming batch, which are sent as one array (§6).
 * What does not fit is refused, and so are the calls that have not begun.
 */
export class BatchResponses {
  readonly #host: BatchHost;
  readonly #responses: JSONRPCResponse[] = [];
  #missing: number;
  #bytes = 0;
  #full = false;

  /** @param members The number of calls, including those without response. */
  constructor(members: number, host: BatchHost) {
    this.#missing = members;
    this.#host = host;
  }

  /** Whether no more responses fit: a call need not be run. */
  get full(): boolean {
    return this.#full;
  }

  /** Takes the response to a member, if it has one; the last one sends all. */
  readonly respond: Respond = (response) => {
    if (response) this.#take(response);
    this.#missing--;
    if (this.#missing > 0) return;
    this.#host.held.release(this.#bytes);
    if (this.#responses.length > 0) return this.#host.send(this.#responses);
  };

  #take(response: JSONRPCResponse): void {
    const { id } = response;
    const bytes = this.#host.sizeOf(response);
    if (bytes === undefined) {
      this.#responses.push(unsendable(id));
    } else if (!this.#host.held.take(bytes)) {
      this.#full = true;
      this.#responses.push(busy(id));
    } else {
      this.#bytes += bytes;
      this.#responses.push(response);
    }
  }
}

/** The response in place of one that cannot be encoded. */
export function unsendable(id: JSONRPCId): JSONRPCResponse {
  return failure(id, JSONRPCErrorCode.INTERNAL_ERROR, "Internal error");
}

/** The refusal of a call whose response would be too much. */
export function busy(id: JSONRPCId): JSONRPCResponse {
  const { SERVER_BUSY } = JSONRPCErrorCode;
  return failure(id, SERVER_BUSY, "Server busy: the session holds too much");
}
