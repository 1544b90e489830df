import type { Logger } from "../../protocol/_deps.ts";
import { printable } from "../../protocol/_util/printable.ts";
import type { ByteBudget } from "../../protocol/byte_budget.ts";
import type { EventHub } from "../../protocol/event_hub.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { JSONRPCError, JSONRPCErrorCode } from "../errors.ts";
import type {
  JSONRPCId,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCResponse,
} from "../messages.ts";
import { badMessageResponse } from "./bad_messages.ts";
import { BatchResponses, busy, ResponseBytes, unsendable } from "./batch.ts";
import { type Classified, classify } from "./classify.ts";
import { failure, type Incoming, type Respond } from "./incoming.ts";
import type { Outgoing } from "./outgoing.ts";
import type { SendTurns } from "./send_turns.ts";

/** A call that runs or waits counts as so many bytes at least. */
const MIN_CALL_BYTES = 256;

/** A session with more invalid messages than this ends. */
const MAX_INVALID = 100;

/** The parts of the peer that the receiver needs. */
export interface ReceiverHost {
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  /** Called with every notification, handled or not. */
  readonly notifications: EventHub<JSONRPCNotification>;
  readonly logger: Logger;
  readonly maxBatch: number;
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  readonly budget: ByteBudget;
  /** How many bytes a message takes; throws if it cannot be encoded. */
  sizeOf(message: JSONRPCMessage): number;
  readonly turns: SendTurns<JSONRPCMessage>;
  /** Sends at once, also before messages that wait for their turn. */
  send(message: JSONRPCMessage): Promise<void>;
}

/** Takes the messages of one session: responses, calls, batches, and bad ones. */
export class Receiver {
  readonly #host: ReceiverHost;
  /**
   * A third of the budget: calls are taken below it, and the last one takes no
   * more; the responses of batches have another third. So the reader is held
   * here alone, where a request of ours lets it go on. Notifications cannot be
   * refused, so that they may then fill two thirds.
   */
  readonly #limit: number;
  /** The bytes of the calls that run or wait. */
  #calls = 0;
  readonly #responses: ResponseBytes;
  /** Resolves when there may be room for a call. */
  #room: PromiseWithResolvers<void> | undefined;
  #invalid = 0;
  /** Sends responses; never rejects. */
  readonly #respond = (
    response: JSONRPCMessage | undefined,
  ): void | Promise<void> => {
    if (response === undefined) return;
    return this.#host.turns.send(response, this.#sendResponse);
  };
  readonly #sendResponse = (response: JSONRPCMessage): Promise<void> =>
    this.#host.send(response).catch((error) => {
      if (this.#host.signal.aborted) return; // The session reports the cause.
      return this.#respondInstead(response, error);
    });

  constructor(host: ReceiverHost) {
    this.#host = host;
    this.#limit = Math.floor(host.budget.limit / 3);
    this.#responses = new ResponseBytes(host.budget, this.#limit);
  }

  /** Looks again whether a call is held: a request was sent, or the session has ended. */
  wake(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Settles the request of a response, or runs the handler of a call. */
  receive(message: unknown, bytes: number): void | Promise<void> {
    if (Array.isArray(message)) return this.#receiveBatch(message, bytes);
    return this.#hold(this.#receive(message, bytes, this.#respond));
  }

  /**
   * Holds the reader until a refusal has found room, unless that would hold a
   * response: two peers would hold each other.
   */
  #hold(held: void | Promise<void>): void | Promise<void> {
    return this.#host.outgoing.owed ? undefined : held;
  }

  #receive(
    message: unknown,
    bytes: number,
    respond: Respond,
  ): void | Promise<void> {
    if (message instanceof ProtocolError) {
      this.#countInvalid(message.message);
      return respond(badMessageResponse(message));
    }
    const call = classify(message);
    switch (call.kind) {
      case "result":
        this.#settled(
          call.id,
          this.#host.outgoing.resolve(call.id, call.result),
        );
        return respond(undefined);
      case "error": {
        const { message, ...options } = call.error;
        const error = new JSONRPCError(printable(message), options);
        const known = this.#host.outgoing.reject(call.id, error);
        if (call.id === null) this.#logUnread(error);
        else this.#settled(call.id, known);
        return respond(undefined);
      }
      case "badResponse": {
        this.#countInvalid(call.reason);
        const error = new ProtocolError(`Response of the peer: ${call.reason}`);
        const known = call.id !== undefined &&
          this.#host.outgoing.reject(call.id, error);
        // With an id it could be taken for the response to another request.
        const { INVALID_REQUEST } = JSONRPCErrorCode;
        return respond(
          known ? undefined : failure(null, INVALID_REQUEST, "Invalid Request"),
        );
      }
      case "invalid": {
        this.#countInvalid(call.reason);
        const { INVALID_REQUEST } = JSONRPCErrorCode;
        return respond(failure(call.id, INVALID_REQUEST, "Invalid Request"));
      }
      default:
        return this.#receiveCall(call, bytes, respond);
    }
  }

  #receiveCall(
    call: Extract<Classified, { method: string }>,
    bytes: number,
    respond: Respond,
  ): void | Promise<void> {
    const { kind, method, params } = call;
    const isOurs = kind === "notification" &&
      (this.#host.incoming.cancel(method, params) ||
        this.#host.outgoing.report(method, params));
    if (isOurs) return respond(undefined);
    if (kind === "notification") {
      const event = { jsonrpc: "2.0", method, params } as const;
      this.#host.notifications.dispatch(event, bytes);
    }
    return this.#start(call, bytes, respond);
  }

  /** Runs a call when there is room for it; one without a handler needs none. */
  #start(
    call: Extract<Classified, { method: string }>,
    bytes: number,
    respond: Respond,
  ): void | Promise<void> {
    const { kind, method, params } = call;
    const { budget, outgoing, incoming, signal, turns } = this.#host;
    const size = Math.max(bytes, MIN_CALL_BYTES);
    const held = Math.min(size, this.#limit);
    const full = this.#calls >= this.#limit;
    const taken = incoming.handles(method) && !signal.aborted;
    // Handlers end even if nothing is read; the turns may need the peer to read.
    const waits = full && outgoing.size === 0 || turns.full && !outgoing.owed;
    if (taken && waits) {
      this.#room ??= Promise.withResolvers();
      return this.#room.promise.then(() =>
        this.#hold(this.#start(call, bytes, respond))
      );
    }
    if (taken && full) {
      // To wait would hold the reader, and with it a response that is waited for.
      if (kind === "request") return respond(busy(call.id));
      if (this.#calls + size > 2 * this.#limit) {
        throw new ProtocolError(
          `Receive ${
            printable(JSON.stringify(method))
          }: ${incoming.size} calls of ${this.#calls} bytes run or wait, maxQueuedBytes is ${budget.limit}`,
        );
      }
    }
    this.#calls += held;
    budget.take(held);
    const finish: Respond = (response) => {
      this.#calls -= held;
      budget.release(held);
      this.wake();
      return respond(response);
    };
    return kind === "request"
      ? incoming.request(call.id, method, params, finish)
      : incoming.notification(method, params, finish);
  }

  async #receiveBatch(
    messages: readonly unknown[],
    bytes: number,
  ): Promise<void> {
    const { length } = messages;
    if (length === 0 || length > this.#host.maxBatch) {
      this.#countInvalid(`a batch has ${length} members`);
      const { INVALID_REQUEST } = JSONRPCErrorCode;
      return await this.#hold(this.#respond(
        failure(null, INVALID_REQUEST, "Invalid Request"),
      ));
    }
    const responses = new BatchResponses(length, {
      held: this.#responses,
      sizeOf: (response) => this.#sizeOf(response),
      send: this.#respond,
    });
    const share = Math.floor(bytes / length);
    for (const message of messages) {
      const call = responses.full ? classify(message) : undefined;
      await this.#hold(
        call?.kind === "request"
          ? responses.respond(busy(call.id))
          : this.#receive(message, share, responses.respond),
      );
    }
  }

  /** Sends an error instead of a response that cannot be encoded. */
  async #respondInstead(
    response: JSONRPCMessage,
    error: unknown,
  ): Promise<void> {
    this.#logUnsendable(error);
    const failed = Array.isArray(response)
      ? (response as JSONRPCResponse[]).map(({ id }) => unsendable(id))
      : unsendable((response as JSONRPCResponse).id);
    await this.#host.send(failed).catch(() => {}); // The session has ended.
  }

  #sizeOf(response: JSONRPCResponse): number | undefined {
    try {
      return this.#host.sizeOf(response);
    } catch (error) {
      this.#logUnsendable(error);
      return undefined;
    }
  }

  #logUnsendable(error: unknown): void {
    this.#host.logger.error("Response cannot be sent: {error}", { error });
  }

  #settled(id: JSONRPCId, known: boolean): void {
    if (known) return;
    this.#host.logger.debug("Response to no pending request: {id}", { id });
  }

  /** The request that the peer could not read may wait for ever (§5). */
  #logUnread(error: JSONRPCError): void {
    this.#host.logger.warn("Peer could not read a message: {error}", { error });
  }

  #countInvalid(reason: string): void {
    this.#invalid++;
    this.#host.logger.warn("Invalid message: {reason}", {
      reason: printable(reason),
    });
    if (this.#invalid > MAX_INVALID) {
      throw new ProtocolError(
        `Receive: ${this.#invalid} messages were invalid, a session ends after ${MAX_INVALID}: ${
          printable(reason)
        }`,
      );
    }
  }
}
