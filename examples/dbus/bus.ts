import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  type Endianness,
  EventHub,
  type EventQueue,
  lines,
  ParleyError,
  PendingCalls,
  ProtocolError,
  type WaitOptions,
} from "@parley/parley";
import { dbus, type Message } from "./codec.ts";
import type { Value } from "./types.ts";

/** An error that a bus or one of its members replies with. */
export class DBusError extends ParleyError {
  /** Such as `org.freedesktop.DBus.Error.ServiceUnknown`. */
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super(message);
    this.errorName = errorName;
  }
}

/** What is called, or what a signal is about. */
export interface Target {
  destination?: string | undefined;
  path: string;
  interface: string;
  member: string;
}

/** Values and their types. */
export interface Values {
  signature: string;
  body: Value[];
}

/** Options of a call: one that is given up is executed all the same. */
export interface CallOptions extends WaitOptions {
  /** In milliseconds; 25,000 if it is not given. */
  timeout?: number | undefined;
}

/** Which signals to hear: those that have all of this. */
export type Rule = Partial<Omit<Target, "destination">> & { sender?: string };

/** Options of a bus. */
export interface BusOptions extends AsyncProtocolOptions {
  /** The order of the bytes that are sent; little if it is not given. */
  order?: Endianness | undefined;
  /** Answers a call; a `DBusError` that it throws is the reply. */
  onCall?: ((call: Message) => Values | Promise<Values>) | undefined;
}

const BUS = "org.freedesktop.DBus";
const BUS_OBJECT = {
  destination: BUS,
  path: "/org/freedesktop/DBus",
  interface: BUS,
};
const AUTH_FAILED = `${BUS}.Error.AuthFailed`;
const NO_REPLY_WANTED = 1;
/** If more signals of a listener wait to be taken, it fails. */
const MAX_WAITING = 65_536;
const NOTHING: Values = { signature: "", body: [] };

/** A member of a message bus: calls others, is called, and hears signals. */
export class Bus extends AsyncProtocol<string | Message> {
  readonly #options: BusOptions;
  readonly #calls = new PendingCalls<Value[]>();
  readonly #signals = new EventHub<Message>(({ member }) => `${member}`);
  #serial = 0;
  #name = "";

  constructor(options: BusOptions = {}) {
    const { keepAliveInterval = 30_000 } = options;
    super({ ...options, keepAliveInterval });
    this.#options = options;
  }

  /** The name that the bus has given us, such as `:1.7`. */
  get uniqueName(): string {
    return this.#name;
  }

  /**
   * Calls a method, and returns what it returns.
   *
   * @throws {DBusError} The reply is an error.
   * @throws {CallError} There is no reply; `sent` tells whether it was sent.
   */
  async call(
    target: Target,
    { signature, body }: Values = NOTHING,
    { signal, timeout = 25_000 }: CallOptions = {},
  ): Promise<Value[]> {
    const id = this.#nextSerial();
    const call = { id, method: target.member, signal, timeout };
    return await this.sendCall(this.#calls, call, () => {
      return { type: "call", serial: id, ...target, signature, body };
    });
  }

  /** Sends a signal to all that listen. */
  async emit(target: Target, { signature, body }: Values): Promise<void> {
    this.assertRunning();
    const message = { type: "signal", serial: this.#nextSerial() } as const;
    await this.send({ ...message, ...target, signature, body });
  }

  /**
   * The signals that match the rule, from now on to the end of the session. A
   * sender's name stands for the member that owns it at the time.
   */
  async listen(
    rule: Rule,
    { signal }: WaitOptions = {},
  ): Promise<EventQueue<Message>> {
    signal?.throwIfAborted();
    const { sender = "", ...rest } = rule;
    const isUnique = /^(:|$)/.test(sender) || sender === BUS;
    // Messages tell the unique name of their sender.
    let owner: Value | undefined = isUnique ? sender : undefined;
    const ownerChanged = { sender: BUS, member: "NameOwnerChanged" };
    const rules: object[] = [rule];
    if (!isUnique) rules.push({ ...ownerChanged, arg0: sender });
    const change = (member: string, options?: WaitOptions) =>
      Promise.all(rules.map((rule) => {
        const values = { signature: "s", body: [matchRule(rule)] };
        return this.call({ ...BUS_OBJECT, member }, values, options);
      }));
    const session = this.signal;
    const queue = this.#signals.listen(undefined, {
      limit: MAX_WAITING,
      overflow: "fail",
      signal,
      filter(message) {
        const { body: [name, , next] } = message;
        if (matches(ownerChanged, message) && name === sender) owner = next;
        const isSender = sender === "" || message.sender === owner;
        return isSender && matches(rest, message);
      },
      onClosed() {
        if (!session.aborted) change("RemoveMatch").catch(() => {});
      },
    });
    try {
      await change("AddMatch", { signal });
      const known = isUnique ? sender : await this.#ownerOf(sender, signal);
      owner ??= known; // it may have changed meanwhile
      return queue;
    } catch (error) {
      queue.close();
      throw error;
    }
  }

  /** Takes a name that others can call, such as `org.example.Clock`. */
  async requestName(name: string): Promise<void> {
    const member = "RequestName";
    const values = { signature: "su", body: [name, 4] }; // do not queue
    const [result] = await this.call({ ...BUS_OBJECT, member }, values);
    if (result === 1 || result === 4) return;
    throw new DBusError(`${BUS}.Error.Failed`, `Name is taken: ${name}`);
  }

  protected override createCodec(): Codec<string | Message> {
    return lines({ newline: "\r\n" }) as Codec<string | Message>;
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    // The socket tells the bus whose process this is.
    this.send("\0AUTH EXTERNAL");
    await this.#expect(/^DATA/, signal);
    this.send("DATA");
    await this.#expect(/^OK /, signal);
    this.send("BEGIN");
    const { maxMessageBytes } = this;
    const codec = dbus({ maxMessageBytes }, this.#options.order);
    this.useCodec(codec as Codec<string | Message>);
    this.#serial = 0;
    const serial = this.#nextSerial();
    const hello = { ...BUS_OBJECT, member: "Hello", body: [] };
    this.send({ type: "call", serial, ...hello });
    const reply = await this.receive({ signal }) as Message;
    if (reply.type !== "return") throw errorOf(reply);
    this.#name = `${reply.body[0]}`;
  }

  protected override onMessage(message: string | Message, bytes: number): void {
    if (typeof message === "string") return;
    const { type, replySerial = 0, body } = message;
    if (type === "return") this.#calls.resolve(replySerial, body);
    else if (type === "error") {
      this.#calls.reject(replySerial, errorOf(message));
    } else if (type === "signal") this.#signals.dispatch(message, bytes);
    else if (type === "call") this.#answer(message, bytes);
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
    this.#signals.end(cause);
  }

  /** Not by `Peer.Ping`: the system bus refuses it. */
  protected override async keepAlive(): Promise<void> {
    await this.call({ ...BUS_OBJECT, member: "GetId" });
  }

  /** A bus that is away may come back; a login does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const isRefused = error instanceof DBusError &&
      error.errorName === AUTH_FAILED;
    return !isRefused && super.isRetriable(error);
  }

  /** The unique name of the member that owns a name; empty if none does. */
  async #ownerOf(name: string, signal?: AbortSignal): Promise<Value> {
    const target = { ...BUS_OBJECT, member: "GetNameOwner" };
    const values = { signature: "s", body: [name] };
    const [owner = ""] = await this.call(target, values, { signal })
      .catch((error) => {
        if (error instanceof DBusError) return [];
        throw error;
      });
    return owner;
  }

  async #expect(answer: RegExp, signal: AbortSignal): Promise<void> {
    const line = await this.receive({ signal });
    if (typeof line === "string" && answer.test(line)) return;
    const text = `Bus answers ${JSON.stringify(line)} to AUTH`;
    throw /^REJECTED/.test(`${line}`)
      ? new DBusError(AUTH_FAILED, text)
      : new ProtocolError(text);
  }

  /** Executes a call, while others go on, and replies. */
  async #answer(call: Message, bytes: number): Promise<void> {
    const { budget, signal } = this;
    budget.take(bytes); // too many calls at once are not read
    const { onCall = unknownMethod } = this.#options;
    try {
      const values = await onCall(call);
      await this.#reply(call, { type: "return", ...values }, signal);
    } catch (error) {
      const errorName = error instanceof DBusError
        ? error.errorName
        : `${BUS}.Error.Failed`;
      const text = error instanceof Error ? error.message : "Call has failed";
      const body = [text.replaceAll("\0", "")]; // text of D-Bus has no NUL
      const reply = { type: "error", errorName, signature: "s", body } as const;
      await this.#reply(call, reply, signal).catch(() => {}); // it has ended
    } finally {
      budget.release(bytes);
    }
  }

  async #reply(
    call: Message,
    reply: Omit<Message, "serial">,
    session: AbortSignal,
  ): Promise<void> {
    const { serial: replySerial, sender: destination, flags = 0 } = call;
    if (session.aborted || flags & NO_REPLY_WANTED) return;
    const serial = this.#nextSerial();
    await this.send({ ...reply, serial, replySerial, destination });
  }

  #nextSerial(): number {
    this.#serial = this.#serial % 0xffffffff + 1;
    return this.#serial;
  }
}

/** A rule as the bus reads it. */
function matchRule(rule: object): string {
  const parts = Object.entries(rule).map(([key, value]) =>
    `,${key}='${value.replaceAll("'", "'\\''")}'`
  );
  return `type='signal'${parts.join("")}`;
}

function matches(rule: Rule, message: Message): boolean {
  return Object.entries(rule).every(([key, value]) =>
    message[key as keyof Rule] === value
  );
}

function unknownMethod({ member }: Message): never {
  throw new DBusError(`${BUS}.Error.UnknownMethod`, `No method ${member}`);
}

function errorOf({ errorName = "", body: [text] }: Message): DBusError {
  return new DBusError(errorName, typeof text === "string" ? text : errorName);
}
