import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  EventQueue,
  PendingCalls,
  ProtocolError,
  startTls,
  type StartTlsOptions,
  type WaitOptions,
} from "@parley/parley";
import { checkSubject, nats } from "./codec.ts";
import {
  type ClientMessage,
  type Credentials,
  NatsError,
  type NatsMessage,
  type ServerMessage,
} from "./messages.ts";

/** Options of a client. */
export interface NatsOptions extends AsyncProtocolOptions {
  credentials?: Credentials | undefined;
  /** Requires TLS. Without it, TLS is used if the server requires it. */
  tls?: StartTlsOptions | undefined;
  /** How long an answer may take, in milliseconds; 5,000 if it is not given. */
  timeout?: number | undefined;
}

/** Options of a subscription. */
export interface SubscribeOptions extends WaitOptions {
  /** Each message goes to one of the subscriptions that name the same queue. */
  queue?: string | undefined;
}

interface Subscription {
  /** What is sent in each session. */
  request: Extract<ClientMessage, { op: "SUB" }>;
  messages: EventQueue<NatsMessage>;
}

/** If more messages of a subscription wait to be taken, it fails. */
const MAX_WAITING = 65_536;
/** The subscription to the answers to all requests. */
const INBOX_SID = 1;
const encoder = new TextEncoder();

/** A client of NATS: publish and subscribe, requests, TLS and reconnection. */
export class NatsClient extends AsyncProtocol<ServerMessage, ClientMessage> {
  readonly #options: NatsOptions;
  readonly #inbox = `_INBOX.${crypto.randomUUID()}`;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #pings = new PendingCalls<void>();
  readonly #requests = new PendingCalls<NatsMessage>({
    onAbandoned: ({ id }) => this.#requests.forget(id), // it may never come
  });
  #lastSid = INBOX_SID;
  #maxPayload: number | undefined;
  /** Why no answers come to requests, if they do not. */
  #inboxRefusal: NatsError | undefined;
  /** Why a message was dropped since the last `ping()`, if one was. */
  #refusal: NatsError | undefined;

  constructor(options: NatsOptions = {}) {
    const { keepAliveInterval = 30_000, timeout = 5_000 } = options;
    super({ ...options, keepAliveInterval });
    this.#options = { ...options, timeout };
  }

  /** Resolves when there is room for the next message; `ping()` confirms all. */
  async publish(subject: string, payload: Uint8Array | string): Promise<void> {
    this.assertRunning();
    await this.send({ op: "PUB", subject, payload: this.#bytes(payload) });
  }

  /**
   * Publishes a message, and waits for the first answer to it.
   *
   * @throws {NatsError} Nobody has subscribed to the subject, or the answer may
   * not come here.
   * @throws {CallError} There was no answer; `sent` tells whether it was sent. If
   * the server has refused the message, `ping()` tells.
   */
  async request(
    subject: string,
    payload: Uint8Array | string,
    options?: WaitOptions,
  ): Promise<NatsMessage> {
    const { timeout } = this.#options;
    const call = { ...options, method: subject, timeout };
    return await this.sendCall(this.#requests, call, ({ id }) => {
      if (this.#inboxRefusal) throw this.#inboxRefusal;
      const reply = `${this.#inbox}.${id}`;
      return { op: "PUB", subject, reply, payload: this.#bytes(payload) };
    });
  }

  /**
   * The messages of a subject, which may have wildcards, until `close()`. They go
   * on in the next session, and end with the last one.
   */
  subscribe(
    subject: string,
    { queue, signal }: SubscribeOptions = {},
  ): EventQueue<NatsMessage> {
    checkSubject(subject);
    if (queue !== undefined) checkSubject(queue);
    signal?.throwIfAborted();
    const sid = ++this.#lastSid;
    const messages = new EventQueue<NatsMessage>({
      nameOf: (message) => message.subject,
      limit: MAX_WAITING,
      overflow: "fail",
      signal,
      onClosed: () => {
        this.#subscriptions.delete(sid);
        if (this.runstate === "running") this.send({ op: "UNSUB", sid });
      },
    });
    const request = { op: "SUB", subject, queue, sid } as const;
    this.#subscriptions.set(sid, { request, messages });
    if (this.runstate === "running") this.send(request);
    return messages;
  }

  /**
   * Resolves when the server has processed all that was sent before.
   *
   * @throws {NatsError} It has refused a message since the last ping.
   */
  async ping(options?: WaitOptions): Promise<void> {
    await this.keepAlive(options);
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal) throw refusal;
  }

  protected override createCodec(): Codec<ServerMessage, ClientMessage> {
    return nats({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    const hello = await this.receive({ signal });
    if (hello.op !== "INFO") {
      throw new ProtocolError(`Server sent ${hello.op}: expected INFO`);
    }
    const { max_payload, tls_required, tls_available } = hello.info;
    this.#maxPayload = max_payload;
    const { tls, credentials } = this.#options;
    if (tls || tls_required) {
      if (!tls_required && !tls_available) {
        throw new ProtocolError("Server has no TLS: tls requires it");
      }
      await this.upgrade((plain) => startTls(plain, { ...tls, signal }));
    }
    const options = { verbose: false, headers: true, no_responders: true };
    const login = { ...options, lang: "ts", version: "1", ...credentials };
    this.#inboxRefusal = this.#refusal = undefined;
    this.send({ op: "CONNECT", options: login });
    this.send({ op: "SUB", subject: `${this.#inbox}.*`, sid: INBOX_SID });
    this.send({ op: "PING" });
    for (;;) {
      const answer = await this.receive({ signal });
      if (answer.op === "PONG") return;
      await this.onMessage(answer, 0);
    }
  }

  protected override onSessionStart(): void {
    for (const { request } of this.#subscriptions.values()) this.send(request);
  }

  protected override onLastSessionEnd(cause: unknown): void {
    for (const { messages } of this.#subscriptions.values()) {
      messages.end(cause);
    }
  }

  protected override keepAlive(options?: WaitOptions): Promise<void> {
    const { timeout } = this.#options;
    const call = { ...options, method: "PING", timeout };
    return this.sendCall(this.#pings, call, () => ({ op: "PING" }));
  }

  protected override onMessage(
    received: ServerMessage,
    bytes: number,
  ): void | Promise<void> {
    switch (received.op) {
      case "MSG": {
        const { sid, message } = received;
        if (sid === INBOX_SID) return this.#answered(message);
        return this.#subscriptions.get(sid)?.messages.dispatch(message, bytes);
      }
      case "PING":
        return this.send({ op: "PONG" });
      case "PONG": {
        const ping = this.#pings.first(); // answers come in order
        if (!ping) throw new ProtocolError("Server sent PONG without a PING");
        this.#pings.resolve(ping.id, undefined);
        return;
      }
      case "INFO":
        this.#maxPayload = received.info.max_payload;
        return;
      case "-ERR":
        return this.#refused(new NatsError(received.text));
    }
  }

  /** A server that is away may come back; a password does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const refused = error instanceof NatsError &&
      /authorization violation/i.test(error.message);
    return !refused && super.isRetriable(error);
  }

  /** Keeps passwords out of the log. */
  protected override describe(message: ServerMessage | ClientMessage): unknown {
    return message.op === "CONNECT" ? { op: "CONNECT" } : message;
  }

  #bytes(payload: Uint8Array | string): Uint8Array {
    const isText = typeof payload === "string";
    const bytes = isText ? encoder.encode(payload) : payload;
    const limit = this.#maxPayload ?? Infinity;
    if (bytes.length <= limit) return bytes;
    throw new RangeError(
      `Cannot publish: payload has ${bytes.length} bytes, the server takes ${limit}`,
    );
  }

  #answered(message: NatsMessage): void {
    const id = Number(message.subject.slice(this.#inbox.length + 1));
    if (message.headers?.startsWith("NATS/1.0 503")) {
      this.#requests.reject(id, new NatsError("Nobody answers: no responders"));
    } else this.#requests.resolve(id, message);
  }

  /** A subscription or a message may be refused; other errors are the session's. */
  #refused(error: NatsError): void {
    const { message } = error;
    const [, subject] = /for Subscription to "([^"]*)"/i.exec(message) ?? [];
    if (subject === `${this.#inbox}.*`) this.#inboxRefusal = error;
    else if (subject !== undefined) {
      for (const { request, messages } of this.#subscriptions.values()) {
        if (request.subject === subject) messages.fail(error);
      }
    } else if (/^permissions violation|^invalid .*subject/i.test(message)) {
      this.#refusal = error;
    } else throw error;
  }
}
