import type {
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
import type { Respond } from "./incoming.ts";
import { callMessage, type Outgoing } from "./outgoing.ts";

/** Gathers the calls of one outgoing batch (JSON-RPC 2.0 §6). */
export class Batch<Remote> implements JSONRPCCaller<Remote> {
  readonly messages: (JSONRPCRequest | JSONRPCNotification)[] = [];
  readonly #outgoing: Outgoing;
  readonly #sent: Promise<void>;

  /** @param sent Settles when the batch has been sent. */
  constructor(outgoing: Outgoing, sent: Promise<void>) {
    this.#outgoing = outgoing;
    this.#sent = sent;
  }

  request<Name extends keyof Remote & string>(
    method: Name,
    ...[params, options]: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    const { message, track } = this.#outgoing.open(method, params, options);
    this.messages.push(message);
    return track(this.#sent) as Promise<ResultOf<Remote[Name]>>;
  }

  notify<Name extends keyof Remote & string>(
    method: Name,
    ...[params]: CallArgs<Remote[Name], never>
  ): Promise<void> {
    this.messages.push(callMessage(method, params));
    return this.#sent;
  }
}

/** Gathers the responses to an incoming batch, which are sent as one array (§6). */
export class BatchResponses {
  readonly #send: (responses: JSONRPCMessage) => void | Promise<void>;
  readonly #responses: JSONRPCResponse[] = [];
  #missing: number;

  /** @param members The number of calls, including those without response. */
  constructor(
    members: number,
    send: (responses: JSONRPCMessage) => void | Promise<void>,
  ) {
    this.#missing = members;
    this.#send = send;
  }

  /** Takes the response to a member, if it has one; the last one sends all. */
  readonly respond: Respond = (response) => {
    if (response) this.#responses.push(response);
    this.#missing--;
    return this.#missing === 0 && this.#responses.length > 0
      ? this.#send(this.#responses)
      : undefined;
  };
}
