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

/** What is sent: `body` has values of the types that `signature` tells. */
export interface Outgoing extends Partial<Values> {
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
export type Rule = Partial<
  Pick<Message, "sender" | "path" | "interface" | "member">
>;

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
    { body = [], ...call }: Outgoing,
    { signal, timeout = 25_000 }: CallOptions = {},
  ): Promise<Value[]> {
    const serial = this.#nextSerial();
    const options = { id: serial, method: call.member, signal, timeout };
    return await this.sendCall(this.#calls, options, () => {
      return { ...call, type: "call", serial, body };
    });
  }

  /** Sends a signal to all that listen. */
  async emit({ body = [], ...signal }: Outgoing): Promise<void> {
    this.assertRunning();
    const serial = this.#nextSerial();
    await this.send({ ...signal, type: "signal", serial, body });
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
    const isUnique = sender === "" || sender === BUS || sender.startsWith(":");
    // Messages tell the unique name of their sender.
    let owner: Value | undefined = isUnique ? sender : undefined;
    const ownerChanged = { sender: BUS, member: "NameOwnerChanged" };
    const rules = [matchRule(rule)];
    if (!isUnique) rules.push(matchRule({ ...ownerChanged, arg0: sender }));
    const change = (member: string, signal?: AbortSignal) =>
      Promise.all(rules.map((rule) => this.#ask(member, rule, signal)));
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
    const subscribe = async () => {
      await change("AddMatch", signal);
      if (isUnique) return;
      const [known = ""] = await this.#ask("GetNameOwner", sender, signal)
        .catch(nothing);
      owner ??= known; // it may have changed meanwhile
    };
    return await queue.confirmedBy(subscribe());
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

  /** Calls a method of the bus that takes text. */
  #ask(member: string, text: string, signal?: AbortSignal): Promise<Value[]> {
    const call = { ...BUS_OBJECT, member, signature: "s", body: [text] };
    return this.call(call, { signal });
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
    const { budget, signal: session } = this;
    const { onCall = unknownMethod } = this.#options;
    const { serial: replySerial, sender: destination, flags = 0 } = call;
    const reply = async (message: Omit<Message, "serial">) => {
      if (session.aborted || flags & NO_REPLY_WANTED) return;
      const serial = this.#nextSerial();
      await this.send({ ...message, serial, replySerial, destination });
    };
    budget.take(bytes); // too many calls at once are not read
    try {
      await reply({ type: "return", ...await onCall(call) });
    } catch (error) {
      await reply(failure(error)).catch(() => {}); // the session has ended
    } finally {
      budget.release(bytes);
    }
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

/** The reply to a call that has failed. */
function failure(error: unknown): Omit<Message, "serial"> {
  const isNamed = error instanceof DBusError;
  const errorName = isNamed ? error.errorName : `${BUS}.Error.Failed`;
  const text = error instanceof Error ? error.message : "Call has failed";
  const body = [text.replaceAll("\0", "")]; // text of D-Bus has no NUL
  return { type: "error", errorName, signature: "s", body };
}

function errorOf({ errorName = "", body: [text] }: Message): DBusError {
  return new DBusError(errorName, typeof text === "string" ? text : errorName);
}

/** For a name that no member owns. */
function nothing(error: unknown): Value[] {
  if (error instanceof DBusError) return [];
  throw error;
}
