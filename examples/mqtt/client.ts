import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  CallInterruptedError,
  type Codec,
  EventHub,
  type EventQueue,
  ParleyError,
  PendingCalls,
  ProtocolError,
  type WaitOptions,
} from "@parley/parley";
import {
  type Login,
  mqtt,
  type MqttMessage,
  type Packet,
  type QoS,
} from "./codec.ts";
import { checkTopic, matches } from "./topics.ts";

/** Options of a client. */
export interface MqttOptions extends AsyncProtocolOptions, Login {
  /** How long an answer may take, in milliseconds; 10,000. */
  timeout?: number | undefined;
}

/** Options of a subscription. */
export interface SubscribeOptions extends WaitOptions {
  /** 0, if it is not given. */
  qos?: QoS | undefined;
}

/** Options of a message that is published. */
export interface PublishOptions extends SubscribeOptions {
  retain?: boolean | undefined;
}

/** What the server refuses; `code` is its reason, if it is the session. */
export class MqttError extends ParleyError {
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

interface Subscription {
  readonly filter: string;
  readonly qos: QoS;
  readonly messages: EventQueue<MqttMessage>;
}

/** If more messages of a subscription wait to be taken, it fails. */
const MAX_WAITING = 65_536;
/** The reasons of a server that refuses a session (§3.2.2.3). */
const REFUSALS = [
  "accepted",
  "unacceptable protocol version",
  "identifier rejected",
  "server unavailable",
  "bad user name or password",
  "not authorized",
];
const SERVER_UNAVAILABLE = 3;
const REFUSED = 0x80;
/** The id of the call of a PINGREQ: neither it nor its answer has one. */
const NO_ID = 0;

/**
 * A client of MQTT 3.1.1 with clean sessions: each begins with nothing but the
 * subscriptions that are open, and within it QoS 1 and 2 hold.
 */
export class MqttClient extends AsyncProtocol<Packet> {
  readonly #options: MqttOptions;
  /** All that is received; each subscription is a listener. */
  readonly #messages = new EventHub<MqttMessage>(({ topic }) => topic);
  readonly #subscriptions = new Set<Subscription>();
  /** What waits for its last answer, whose code is the reply. */
  readonly #calls = new PendingCalls<number>({ maxId: 0xffff });
  /** Messages of QoS 2 that the server may send again until it releases them. */
  readonly #unreleased = new Set<number>();

  constructor(options: MqttOptions = {}) {
    // The server allows 1.5 × keepAlive.
    const { keepAlive = 60, keepAliveInterval = keepAlive * 500 } = options;
    super({ ...options, keepAliveInterval, keepAliveDirection: "either" });
    this.#options = options;
  }

  /**
   * Resolves when the server has taken the message: by its acknowledgement, if
   * `qos` is 1 or 2.
   *
   * @throws {CallError} The server has not acknowledged it; `sent` tells whether
   * it may have got it.
   */
  async publish(
    topic: string,
    content: Uint8Array | string,
    { qos = 0, retain = false, signal }: PublishOptions = {},
  ): Promise<void> {
    this.assertRunning();
    checkTopic(topic);
    const payload = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    const message = { topic, payload, qos, retain };
    const packet: Packet = { type: "publish", message };
    if (qos === 0) await this.send(packet, { signal });
    else await this.#call(`PUBLISH ${topic}`, packet, signal);
  }

  /**
   * The messages of a filter, once the server has agreed, until `close()`. They
   * go on in the next session, and end with the last one.
   *
   * @throws {MqttError} The server has refused it.
   */
  async subscribe(
    filter: string,
    { qos = 0, signal }: SubscribeOptions = {},
  ): Promise<EventQueue<MqttMessage>> {
    signal?.throwIfAborted();
    const messages = this.#messages.listen(undefined, {
      filter: ({ topic }) => matches(filter, topic),
      limit: MAX_WAITING,
      overflow: "fail",
      signal,
      onClosed: () => this.#unsubscribe(subscription),
    });
    const subscription = { filter, qos, messages };
    this.#subscriptions.add(subscription);
    return await messages.confirmedBy(this.#subscribe(subscription, signal));
  }

  protected override createCodec(): Codec<Packet> {
    return mqtt({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    await this.send({ type: "connect", login: this.#options });
    const answer = await this.receive({ signal });
    if (answer.type !== "connack") {
      throw new ProtocolError(`Server sent ${answer.type}: expected connack`);
    }
    const { code = 0 } = answer;
    if (code === 0) return;
    const reason = REFUSALS[code] ?? `code ${code}`;
    throw new MqttError(`Server refused the session: ${reason}`, code);
  }

  protected override onSessionStart(): void {
    this.#unreleased.clear();
    for (const subscription of this.#subscriptions) {
      this.#subscribe(subscription).catch((error) => {
        if (error instanceof CallInterruptedError) return;
        subscription.messages.fail(error);
      });
    }
  }

  protected override onLastSessionEnd(cause: unknown): void {
    this.#messages.end(cause);
  }

  /** Says goodbye: the server forgets the will. */
  protected override onDisconnect(): void {
    this.send({ type: "disconnect" });
  }

  protected override async keepAlive(): Promise<void> {
    await this.#call("PINGREQ", { type: "pingreq", id: NO_ID });
  }

  protected override onMessage(
    packet: Packet,
    bytes: number,
  ): void | Promise<void> {
    switch (packet.type) {
      case "publish": {
        const { message, id = NO_ID } = packet;
        const isAgain = message.qos === 2 && this.#unreleased.has(id);
        if (!isAgain) this.#messages.dispatch(message, bytes);
        if (message.qos === 0) return;
        if (message.qos === 1) return this.send({ type: "puback", id });
        this.#unreleased.add(id);
        return this.send({ type: "pubrec", id });
      }
      case "pubrec": // the call goes on until the server has released it, too
        return this.send({ type: "pubrel", id: packet.id });
      case "pubrel":
        this.#unreleased.delete(packet.id);
        return this.send({ type: "pubcomp", id: packet.id });
      case "puback":
      case "pubcomp":
      case "suback":
      case "unsuback":
      case "pingresp":
        this.#calls.resolve(packet.id, packet.code ?? 0);
        return;
      default:
        throw new ProtocolError(`Server sent ${packet.type} in a session`);
    }
  }

  /** A server that is away may come back; a password does not become right. */
  protected override isRetriable(error: unknown): boolean {
    return error instanceof MqttError
      ? error.code === SERVER_UNAVAILABLE
      : super.isRetriable(error);
  }

  /** Keeps passwords out of the log. */
  protected override describe(packet: Packet): unknown {
    return packet.type === "connect" ? { type: "connect" } : packet;
  }

  async #subscribe(
    { filter }: Subscription,
    signal?: AbortSignal,
  ): Promise<void> {
    const qos = Math.max(...this.#wanted(filter)) as QoS;
    const packet: Packet = { type: "subscribe", filter, qos };
    const code = await this.#call(`SUBSCRIBE ${filter}`, packet, signal);
    if (code < REFUSED) return;
    throw new MqttError(`Subscription ${filter}: the server has refused it`);
  }

  /** A filter is left with its last subscription. */
  #unsubscribe(subscription: Subscription): void {
    const { filter } = subscription;
    this.#subscriptions.delete(subscription);
    if (this.#wanted(filter).length > 0) return;
    // Messages that come all the same, or without a session, are for nobody.
    const packet: Packet = { type: "unsubscribe", filter };
    this.#call(`UNSUBSCRIBE ${filter}`, packet).catch(() => {});
  }

  /** The QoS of each subscription to a filter, which the server knows once. */
  #wanted(filter: string): QoS[] {
    const all = [...this.#subscriptions];
    return all.filter((one) => one.filter === filter).map(({ qos }) => qos);
  }

  /** Sends a packet, with an id if it has none: returns its last answer's code. */
  async #call(
    method: string,
    packet: Packet & { id?: number | undefined },
    signal?: AbortSignal,
  ): Promise<number> {
    const { timeout = 10_000 } = this.#options;
    const call = { id: packet.id, method, signal, timeout };
    return await this.sendCall(this.#calls, call, ({ id }) => {
      return { ...packet, id };
    });
  }
}
