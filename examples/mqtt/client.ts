import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  CallInterruptedError,
  type Codec,
  EventHub,
  type EventQueue,
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
  /**
   * After how many seconds of silence either side is taken for dead: an integer
   * from 1 to 65,535; 60 if it is not given.
   */
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

/** The queues of one filter: a server knows one subscription to it. */
interface Subscription {
  qos: QoS;
  readonly hub: EventHub<MqttMessage>;
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

/**
 * A client of MQTT 3.1.1 with clean sessions: each begins with nothing but the
 * subscriptions that are open, and within it QoS 1 and 2 hold.
 */
export class MqttClient extends AsyncProtocol<ServerPacket, ClientPacket> {
  readonly #options: MqttOptions;
  /** By filter. */
  readonly #subscriptions = new Map<string, Subscription>();
  /** What waits for PUBACK, PUBCOMP, SUBACK or UNSUBACK. */
  readonly #calls = new PendingCalls<number>({ maxId: 0xffff });
  readonly #pings = new PendingCalls<void>();
  /** Messages of QoS 2 that the server may send again until it releases them. */
  readonly #received = new Set<number>();

  constructor(options: MqttOptions = {}) {
    const {
      keepAlive = 60,
      timeout = 10_000,
      keepAliveInterval = keepAlive * 500, // the server allows 1.5 × keepAlive
      keepAliveDirection = "either",
    } = options;
    super({ ...options, keepAliveInterval, keepAliveDirection });
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
    const packet = { type: "publish", ...message } as const;
    if (qos === 0) return await this.send({ ...packet, id: 0 });
    const method = `PUBLISH ${topic}`;
    await this.#call(method, (id) => ({ ...packet, id }), signal);
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
    const hub = this.#subscriptions.get(filter)?.hub ??
      new EventHub<MqttMessage>(({ topic }) => topic);
    this.#subscriptions.set(filter, { qos, hub });
    const messages = hub.listen(undefined, {
      limit: MAX_WAITING,
      overflow: "fail",
      signal,
      onClosed: () => {
        if (hub.size === 0) this.#unsubscribe(filter);
      },
    });
    try {
      await this.#subscribe(filter, qos, signal);
    } catch (error) {
      messages.close();
      throw error;
    }
    return messages;
  }

  protected override createCodec(): Codec<ServerPacket, ClientPacket> {
    return mqtt({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    const { clientId = "", username, password, will } = this.#options;
    const { keepAlive = 0 } = this.#options;
    const login = { clientId, username, password, will, keepAlive };
    await this.send({ type: "connect", ...login });
    const answer = await this.receive({ signal });
    if (answer.type !== "connack") {
      throw new ProtocolError(`Server sent ${answer.type}: expected connack`);
    }
    const { code } = answer;
    if (code === 0) return;
    const reason = REFUSALS[code] ?? `code ${code}`;
    throw new MqttError(`Server refused the session: ${reason}`, code);
  }

  protected override onSessionStart(): void {
    this.#received.clear();
    for (const [filter, { qos, hub }] of this.#subscriptions) {
      this.#subscribe(filter, qos).catch((error) => {
        if (!(error instanceof CallInterruptedError)) hub.fail(error);
      });
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#pings.end(cause);
    this.#calls.end(cause);
  }

  protected override onLastSessionEnd(cause: unknown): void {
    for (const { hub } of this.#subscriptions.values()) hub.end(cause);
  }

  /** Says goodbye: the server forgets the will. */
  protected override onDisconnect(): void {
    this.send({ type: "disconnect" });
  }

  protected override async keepAlive(): Promise<void> {
    const { timeout } = this.#options;
    const ping = { method: "PINGREQ", timeout };
    await this.sendCall(this.#pings, ping, () => ({ type: "pingreq" }));
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
        this.#calls.resolve(packet.id, packet.code);
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
    return error instanceof MqttError
      ? error.code === SERVER_UNAVAILABLE
      : super.isRetriable(error);
  }

  /** Keeps passwords out of the log. */
  protected override describe(packet: ServerPacket | ClientPacket): unknown {
    return packet.type === "connect" ? { type: "connect" } : packet;
  }

  #onPublish(packet: Publish, bytes: number): void | Promise<void> {
    const { type: _type, id, ...message } = packet;
    const known = message.qos === 2 && this.#received.has(id);
    if (!known) {
      for (const [filter, { hub }] of this.#subscriptions) {
        if (matches(filter, message.topic)) hub.dispatch(message, bytes);
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
    const options = { method, signal, timeout: this.#options.timeout };
    return await this.sendCall(this.#calls, options, ({ id }) => packet(id));
  }

  async #subscribe(
    filter: string,
    qos: QoS,
    signal?: AbortSignal,
  ): Promise<void> {
    const packet = { type: "subscribe", filter, qos } as const;
    const method = `SUBSCRIBE ${filter}`;
    const code = await this.#call(method, (id) => ({ ...packet, id }), signal);
    if (code < REFUSED) return;
    throw new MqttError(`Subscription ${filter}: the server has refused it`);
  }

  #unsubscribe(filter: string): void {
    this.#subscriptions.delete(filter);
    const packet = { type: "unsubscribe", filter } as const;
    const method = `UNSUBSCRIBE ${filter}`;
    // Messages that come all the same, or without a session, are for nobody.
    this.#call(method, (id) => ({ ...packet, id })).catch(() => {});
  }
}
