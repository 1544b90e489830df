import type { Logger } from "../../protocol/_deps.ts";
import { rejected } from "../../protocol/_util/abortable.ts";
import type { ByteBudget } from "../../protocol/byte_budget.ts";
import { CallInterruptedError } from "../../protocol/errors.ts";
import type { EventHub } from "../../protocol/event_hub.ts";
import type { CancellationDialect } from "../cancellation.ts";
import type { JSONRPCMessage, JSONRPCNotification } from "../messages.ts";
import type {
  AnyMethods,
  CallArgs,
  HandlerOrder,
  JSONRPCCaller,
  RequestOptions,
  ResultOf,
} from "../methods.ts";
import { Batch } from "./batch.ts";
import { type Handler, Incoming } from "./incoming.ts";
import { notificationMessage } from "./call_messages.ts";
import { Outgoing } from "./outgoing.ts";
import { Receiver } from "./receiver.ts";
import { SendTurns } from "./send_turns.ts";

/** The parts of a peer that its sessions have in common. */
export interface SessionSettings {
  readonly dialect: CancellationDialect | undefined;
  readonly timeout: number | undefined;
  readonly maxBatch: number;
  readonly methods: ReadonlyMap<string, Handler>;
  readonly order: HandlerOrder;
  readonly logger: Logger;
  /** Called with every notification, handled or not. */
  readonly notifications: EventHub<JSONRPCNotification>;
}

/** The parts of a peer that belong to one session. */
export interface SessionWire {
  /** Aborted when the session ends. */
  readonly signal: AbortSignal;
  readonly budget: ByteBudget;
  /** How many bytes a message takes; throws if it cannot be encoded. */
  sizeOf(message: JSONRPCMessage): number;
  send(message: JSONRPCMessage): Promise<void>;
}

/**
 * The calls of one session, both ways. It sends nothing after its end, so that a
 * handler that goes on cannot answer into the next session of its peer.
 */
export class JSONRPCSession<Remote = AnyMethods>
  implements JSONRPCCaller<Remote> {
  readonly #settings: SessionSettings;
  readonly #wire: SessionWire;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #receiver: Receiver;
  readonly #turns = new SendTurns<JSONRPCMessage>({
    budget: () => this.#wire.budget,
    sizeOf: (message) => this.#wire.sizeOf(message),
    onTurn: () => this.#receiver.wake(),
  });
  readonly #sendNow = (message: JSONRPCMessage): Promise<void> => {
    const { signal, send } = this.#wire;
    return signal.aborted ? rejected(signal.reason) : send(message);
  };
  /** What follows a response does not overtake it. */
  readonly #send = (message: JSONRPCMessage): Promise<void> =>
    this.#turns.sendNext(message, this.#sendNow);

  constructor(settings: SessionSettings, wire: SessionWire) {
    this.#settings = settings;
    this.#wire = wire;
    const { dialect, timeout, maxBatch, logger, notifications } = settings;
    const { budget, signal, sizeOf } = wire;
    const send = this.#send;
    this.#outgoing = new Outgoing({
      ...{ dialect, timeout, logger },
      onOpen: () => this.#receiver.wake(),
      notify: (method, params) => {
        send(notificationMessage(method, params)).catch((error) => {
          logger.debug("{method} was not sent: {error}", { method, error });
        });
      },
    });
    this.#incoming = new Incoming({
      ...settings,
      caller: this as JSONRPCCaller<unknown> as JSONRPCCaller<AnyMethods>,
    });
    this.#receiver = new Receiver({
      ...{ maxBatch, logger, notifications, signal, budget, sizeOf },
      ...{ turns: this.#turns, send: this.#sendNow },
      incoming: this.#incoming,
      outgoing: this.#outgoing,
    });
    const onEnd = () => this.end(signal.reason);
    signal.addEventListener("abort", onEnd, { once: true });
  }

  /** Whether its calls have ended. */
  get ended(): boolean {
    return this.#wire.signal.aborted;
  }

  /** Takes a message of the peer. */
  receive(message: unknown, bytes: number): void | Promise<void> {
    return this.#receiver.receive(message, bytes);
  }

  request<Name extends keyof Remote & string>(
    method: Name,
    ...[params, options]: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    try {
      this.#assertOpen(method);
      const send = this.#send;
      const result = this.#outgoing.request(method, params, options, send);
      return result as Promise<ResultOf<Remote[Name]>>;
    } catch (error) {
      return rejected(error);
    }
  }

  notify<Name extends keyof Remote & string>(
    method: Name,
    ...[params]: CallArgs<Remote[Name], never>
  ): Promise<void> {
    try {
      return this.#send(notificationMessage(method, params));
    } catch (error) {
      return rejected(error);
    }
  }

  batch<const Results extends readonly unknown[]>(
    build: (batch: JSONRPCCaller<Remote>) => Results,
  ): Promise<{ -readonly [Index in keyof Results]: Awaited<Results[Index]> }> {
    const { maxBatch } = this.#settings;
    const batch = new Batch<Remote>(this.#outgoing);
    try {
      const results = build(batch);
      const { messages } = batch;
      if (messages.length > maxBatch) {
        throw new RangeError(
          `Cannot send the batch: it has ${messages.length} members, maxBatch is ${maxBatch}`,
        );
      }
      batch.seal(
        messages.length > 0 ? this.#send(messages) : Promise.resolve(),
      );
      const settled = Promise.all(results);
      settled.catch(() => {});
      return settled;
    } catch (error) {
      batch.seal(rejected(error));
      return rejected(error);
    }
  }

  /** Sends the messages that wait for room. */
  sendAll(): void {
    this.#turns.sendAll();
  }

  /** Resolves when no handler runs or waits; at once when the session has ended. */
  idle(): Promise<void> {
    return this.#incoming.idle();
  }

  /** No response follows: the peer has ended its writing. */
  endCalls(cause: unknown): void {
    this.#outgoing.end(cause);
  }

  /** Rejects what waits, and aborts every handler's signal. */
  end(cause: unknown): void {
    this.#outgoing.end(cause);
    this.#incoming.end(cause);
    this.#receiver.wake();
  }

  #assertOpen(method: string): void {
    const { signal } = this.#wire;
    if (!signal.aborted) return;
    throw new CallInterruptedError(
      `Call ${JSON.stringify(method)}: the session has ended`,
      { method, sent: false, cause: signal.reason },
    );
  }
}
