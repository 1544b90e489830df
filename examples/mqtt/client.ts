import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  CallInterruptedError,
  type Codec,
  ConnectError,
  type DisconnectOptions,
  EventQueue,
  PendingCalls,
  ProtocolError,
  type WaitOptions,
} from "@parley/parley";
import { mqtt } from "./codec.ts";
import {
  type ClientPacket,
  MqttError,
  type MqttMessage,
  type Publish,
  type QoS,
  type ServerPacket,
} from "./packets.ts";
import { checkTopic, matches } from "./topics.ts";

/** Options of a client. */
export interface MqttOptions extends AsyncProtocolOptions {
  /** Tells clients apart; a random one, if it is not given. */
  clientId?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** What the server publishes if this client vanishes. */
  will?: MqttMessage | undefined;
  /** After how many seconds of silence either side is taken for dead; 60. */
  keepAlive?: number | undefined;
  /** How long an answer may take, in milliseconds; 10,000. */
  timeout?: number | undefined;
}

/** Options of a message that is published. */
export interface PublishOptions extends SubscribeOptions {
  retain?: boolean | undefined;
}

/** Options of a subscription. */
export interface SubscribeOptions extends WaitOptions {
  /** 0, if it is not given. */
  qos?: QoS | undefined;
}

interface Subscription {
  filter: string;
  qos: QoS;
  messages: EventQueue<MqttMessage>;
  /** Aborted if the subscription itself fails: its iteration throws the reason. */
  failure: AbortController;
}

/** How many messages of a subscription may wait to be taken. */
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

/**
 * A client of MQTT 3.1.1 with clean sessions: each begins with nothing but the
 * subscriptions that are open, and within it QoS 1 and 2 hold.
 */
export class MqttClient extends AsyncProtocol<ServerPacket, ClientPacket> {
  readonly #options: MqttOptions;
  readonly #subscriptions = new Set<Subscription>();
  /** What waits for PUBACK, PUBCOMP, SUBACK or UNSUBACK. */
  readonly #calls = new PendingCalls<number>({ maxId: 0xffff });
  readonly #pings = new PendingCalls<void>();
  /** Messages of QoS 2 that the server may send again until it releases them. */
  readonly #received = new Set<number>();

  constructor(options: MqttOptions = {}) {
    const { keepAlive = 60, timeout = 10_000 } = options;
    super({
      keepAliveInterval: keepAlive * 500, // the server allows 1.5 × keepAlive
      keepAliveDirection: "either",
      ...options,
    });
    this.#options = { ...options, keepAlive, timeout };
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
    payload: Uint8Array | string,
    { qos = 0, retain = false, signal }: PublishOptions = {},
  ): Promise<void> {
    this.assertRunning();
    checkTopic(topic);
    const bytes = typeof payload === "string"
      ? new TextEncoder().encode(payload)
      : payload;
    const message = { topic, payload: bytes, qos, retain };
    if (qos === 0) {
      return await this.send({
        type: "publish",
        ...message,
        dup: false,
        id: 0,
      });
    }
    await this.#call(`PUBLISH ${topic}`, (id) => {
      return { type: "publish", ...message, dup: false, id };
    }, signal);
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
    this.assertRunning();
    signal?.throwIfAborted();
    const failure = new AbortController();
    const signals = signal ? [signal, failure.signal] : [failure.signal];
    const messages = new EventQueue<MqttMessage>({
      nameOf: (message) => message.topic,
      limit: MAX_WAITING,
      signal: AbortSignal.any(signals),
      onClosed: () => this.#unsubscribe(subscription),
    });
    const subscription = { filter, qos, messages, failure };
    this.#subscriptions.add(subscription);
    try {
      await this.#subscribe(subscription, signal);
    } catch (error) {
      messages.close();
      throw error;
    }
    return messages;
  }

  /** Says goodbye before it disconnects: the server forgets the will. */
  override async disconnect(
    options?: DisconnectOptions,
  ): Promise<void> {
    if (this.runstate === "running") this.send({ type: "disconnect" });
    await super.disconnect(options);
  }

  protected override createCodec(): Codec<ServerPacket, ClientPacket> {
    return mqtt({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    const { clientId = "", username, password, will } = this.#options;
    const { keepAlive = 0 } = this.#options;
    const login = { clientId, username, password, will, keepAlive };
    this.send({ type: "connect", ...login });
    const answer = await this.receive({ signal });
    if (answer.type !== "connack") {
      throw new ProtocolError(`Server sent ${answer.type}: expected connack`);
    }
    if (answer.code !== 0) throw new RefusedError(answer.code);
  }

  protected override onSessionStart(): void {
    this.#received.clear();
    for (const subscription of this.#subscriptions) {
      this.#subscribe(subscription).catch((error) => {
        if (error instanceof CallInterruptedError) return;
        subscription.failure.abort(error);
      });
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#pings.end(cause);
    this.#calls.end(cause);
  }

  protected override onLastSessionEnd(cause: unknown): void {
    for (const { messages } of this.#subscriptions) messages.end(cause);
  }

  protected override async keepAlive(): Promise<void> {
    const { timeout } = this.#options;
    const ping = this.#pings.open({ method: "PINGREQ", timeout });
    await this.#pings.track(ping, this.send({ type: "pingreq" }));
  }

  protected override onMessage(
    packet: ServerPacket,
    bytes: number,
  ): void | Promise<void> {
    switch (packet.type) {
      case "publish":
        return this.#onPublish(packet, bytes);
      case "pubrel":
        this.#received.delete(packet.id);
        return this.send({ type: "pubcomp", id: packet.id });
      case "pubrec": // the call goes on until the server has released it, too
        return this.send({ type: "pubrel", id: packet.id });
      case "puback":
      case "pubcomp":
      case "unsuback":
        this.#calls.resolve(packet.id, 0);
        return;
      case "suback":
        this.#calls.resolve(packet.id, packet.codes[0] ?? REFUSED);
        return;
      case "pingresp": {
        const ping = this.#pings.first();
        if (ping) this.#pings.resolve(ping.id, undefined);
        return;
      }
      default:
        throw new ProtocolError(`Server sent ${packet.type} in a session`);
    }
  }

  /** A server that is away may come back; a password does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const cause = error instanceof ConnectError ? error.cause : error;
    const refused = cause instanceof RefusedError &&
      cause.code !== SERVER_UNAVAILABLE;
    return !refused && super.isRetriable(error);
  }

  /** Keeps passwords out of the log. */
  protected override describe(packet: ServerPacket | ClientPacket): unknown {
    return packet.type === "connect" ? { type: "connect" } : packet;
  }

  #onPublish(packet: Publish, bytes: number): void | Promise<void> {
    const { type: _type, dup: _dup, id, ...message } = packet;
    const known = message.qos === 2 && this.#received.has(id);
    if (!known) {
      for (const subscription of this.#subscriptions) {
        if (matches(subscription.filter, message.topic)) {
          dispatch(subscription, message, bytes);
        }
      }
    }
    if (message.qos === 0) return;
    if (message.qos === 1) return this.send({ type: "puback", id });
    this.#received.add(id);
    return this.send({ type: "pubrec", id });
  }

  /** Sends a packet with an id of its own, and waits for what answers it. */
  async #call(
    method: string,
    packet: (id: number) => ClientPacket,
    signal?: AbortSignal,
  ): Promise<number> {
    const { timeout } = this.#options;
    const call = this.#calls.open({ method, signal, timeout });
    return await this.#calls.track(call, this.send(packet(call.id)));
  }

  async #subscribe(
    { filter, qos }: Subscription,
    signal?: AbortSignal,
  ): Promise<void> {
    const packet = { type: "subscribe", filter, qos } as const;
    const code = await this.#call(
      `SUBSCRIBE ${filter}`,
      (id) => ({ ...packet, id }),
      signal,
    );
    if (code < REFUSED) return;
    throw new MqttError(`Subscription ${filter}: the server has refused it`);
  }

  #unsubscribe(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    const { filter } = subscription;
    for (const other of this.#subscriptions) {
      if (other.filter === filter) return;
    }
    if (this.runstate !== "running") return;
    this.#call(
      `UNSUBSCRIBE ${filter}`,
      (id) => ({ type: "unsubscribe", id, filter }),
    ).catch(() => {}); // messages that come all the same find no subscription
  }
}

/** Hands a message over; a consumer that is too slow loses its subscription. */
function dispatch(
  { filter, messages, failure }: Subscription,
  message: MqttMessage,
  bytes: number,
): void {
  messages.dispatch(message, bytes);
  if (messages.dropped === 0) return;
  const text = `Subscription ${filter}: its consumer is too slow`;
  failure.abort(new MqttError(text));
}

/** The server has refused the session. */
export class RefusedError extends MqttError {
  readonly code: number;

  constructor(code: number) {
    super(`Server refused the session: ${REFUSALS[code] ?? `code ${code}`}`);
    this.code = code;
  }
}
