import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  EventHub,
  type EventQueue,
  PendingCalls,
  ProtocolError,
  type WaitOptions,
} from "@parley/parley";
import { resp } from "./codec.ts";
import { Push, RedisError } from "./value.ts";
import type { Command, Message, Value } from "./value.ts";

/** How many bytes a reply may have, and how many may wait to be sent. */
const MAX_BYTES = 64 * 1024 * 1024;
/** If more messages of a channel wait to be read, its subscription fails. */
const MAX_WAITING = 65_536;

/** Options of {@linkcode Redis}. */
export interface RedisOptions extends AsyncProtocolOptions {
  /** @default {"default"} */
  username?: string | undefined;
  /** @default {undefined} */
  password?: string | undefined;
  /** @default {0} */
  database?: number | undefined;
  /**
   * The deadline of each reply, in milliseconds.
   *
   * @default {5000}
   */
  timeout?: number | undefined;
  /**
   * Called with each push that is not a message of a channel, such as
   * `["invalidate", ["key"]]`.
   *
   * @default {undefined}
   */
  onPush?: ((items: Value[]) => void) | undefined;
}

/** Options of a command: one that is given up may be executed all the same. */
export interface CommandOptions extends WaitOptions {
  /**
   * The deadline of the reply, in milliseconds: longer for commands that block.
   *
   * @default {the client's}
   */
  timeout?: number | undefined;
  /**
   * Whether the strings of the reply are bytes. In text, bytes that are not
   * UTF-8 become U+FFFD.
   *
   * @default {false}
   */
  binary?: boolean | undefined;
}

/** Options of a subscription. */
export interface SubscribeOptions extends WaitOptions {
  /**
   * With `PSUBSCRIBE`, the name is a pattern, such as `news.*`.
   *
   * @default {"SUBSCRIBE"}
   */
  method?: "SUBSCRIBE" | "PSUBSCRIBE" | undefined;
}

/** A message of a channel. */
export interface ChannelMessage {
  readonly channel: string;
  readonly payload: string;
}

/**
 * A client of Redis 6 and later, which speaks RESP3.
 *
 * An error that the server replies with rejects its command, as a `RedisError`.
 * When the session ends, each command that waits rejects with a
 * `CallInterruptedError`, and each subscription ends with the cause.
 */
export class Redis extends AsyncProtocol<Message, Command> {
  readonly #options: RedisOptions;
  readonly #calls = new PendingCalls<Value>();
  /** The calls whose replies have bytes. */
  readonly #binary = new WeakSet<object>();
  /** The subscriptions, by the command that asks for them: `SUBSCRIBE news`. */
  readonly #channels = new Map<string, EventHub<ChannelMessage>>();

  constructor(options: RedisOptions = {}) {
    super({
      ...options,
      maxMessageBytes: options.maxMessageBytes ?? MAX_BYTES,
      maxQueuedBytes: options.maxQueuedBytes ?? MAX_BYTES,
    });
    this.#options = options;
  }

  /** Executes any command: replies come in the order of the commands. */
  command<T extends Value = Value>(
    command: Command,
    options: CommandOptions = {},
  ): Promise<T> {
    const { signal, timeout = this.#options.timeout ?? 5_000 } = options;
    const limits = { method: command[0], signal, timeout };
    return this.sendCall(this.#calls, limits, (call) => {
      if (options.binary) this.#binary.add(call);
      return command;
    }) as Promise<T>;
  }

  /**
   * Executes commands with none of other clients between them. Returns their
   * results, of which some may be a `RedisError`; `null` if a key has changed
   * that was watched. `WATCH` is for a client that no one else uses meanwhile,
   * and for one session: pass the `signal` that the client had then.
   *
   * @throws {RedisError} A command was refused, and none was executed.
   */
  async transaction(
    commands: readonly Command[],
    options?: CommandOptions,
  ): Promise<Value[] | null> {
    const all: Command[] = [["MULTI"], ...commands, ["EXEC"]];
    // A command that is refused fails before EXEC, and its error tells more.
    const replies = await Promise.all(
      all.map((command) => this.command(command, options)),
    );
    return replies.at(-1) as Value[] | null;
  }

  /**
   * The messages of a channel, or of all whose names match a pattern, once the
   * server has confirmed it. They end with the session, or when the queue is
   * closed.
   */
  async subscribe(
    name: string,
    { method = "SUBSCRIBE", signal }: SubscribeOptions = {},
  ): Promise<EventQueue<ChannelMessage>> {
    signal?.throwIfAborted();
    const key = `${method} ${name}`;
    const hub = this.#channels.get(key) ??
      new EventHub<ChannelMessage>(({ channel }) => channel);
    this.#channels.set(key, hub);
    const messages = hub.listen(undefined, {
      limit: MAX_WAITING,
      overflow: "fail",
      signal,
      onClosed: () => {
        if (hub.size > 0) return;
        this.#channels.delete(key);
        this.command([method.replace("SUB", "UNSUB"), name]).catch(() => {});
      },
    });
    const confirmation = this.command([method, name], { signal });
    return await messages.confirmedBy(confirmation);
  }

  protected override createCodec(): Codec<Message, Command> {
    return resp({
      maxMessageBytes: this.maxMessageBytes,
      binary: () => this.#binary.has(this.#calls.first() ?? this),
    });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    const { username, password, database } = this.#options;
    const isAnonymous = username === undefined && password === undefined;
    const login = ["AUTH", username ?? "default", password ?? ""];
    const commands: Command[] = [["HELLO", 3, ...(isAnonymous ? [] : login)]];
    if (database !== undefined) commands.push(["SELECT", database]);
    for (const command of commands) {
      await this.send(command);
      const reply = await this.receive({ signal });
      if (reply instanceof RedisError) throw reply;
    }
  }

  protected override onMessage(message: Message, bytes: number): void {
    if (message instanceof Push) return this.#onPush(message.items, bytes);
    const call = this.#calls.first(); // replies come in order
    if (!call) throw new ProtocolError("Reply answers no command");
    if (message instanceof RedisError) this.#calls.reject(call.id, message);
    else this.#calls.resolve(call.id, message);
  }

  protected override onSessionEnd(cause: unknown): void {
    for (const hub of this.#channels.values()) hub.end(cause);
  }

  /** A command that blocks would hold the ping: its own deadline comes first. */
  protected override async keepAlive(): Promise<void> {
    const oldest = this.#calls.first();
    await oldest?.promise.catch(() => {});
    const isUnanswered = oldest === this.#calls.first();
    if (isUnanswered) await this.command(["PING"]);
  }

  /** A server that is away may come back; a password does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const isRefused = error instanceof RedisError &&
      /^(WRONGPASS|NOAUTH|NOPERM)$/.test(error.code);
    return !isRefused && super.isRetriable(error);
  }

  /** Passwords are not logged. */
  protected override describe(message: Message | Command): unknown {
    const isLogin = Array.isArray(message) &&
      /^(hello|auth)$/i.test(String(message[0]));
    return isLogin ? [message[0], "…"] : message;
  }

  /** Takes `message CHANNEL …`, `pmessage PATTERN CHANNEL …`, or another push. */
  #onPush(items: Value[], bytes: number): void {
    const [kind = "", name = "", ...rest] = items.map(String);
    const call = this.#calls.first();
    if (kind.endsWith("message")) {
      const [payload = "", channel = name] = rest.reverse();
      const method = kind === "message" ? "SUBSCRIBE" : "PSUBSCRIBE";
      const hub = this.#channels.get(`${method} ${name}`);
      hub?.dispatch({ channel, payload }, bytes);
    } else if (call?.method?.toLowerCase() === kind) {
      // The confirmation of a subscription takes the place of its reply.
      this.#calls.resolve(call.id, items);
    } else this.#options.onPush?.(items);
  }
}
