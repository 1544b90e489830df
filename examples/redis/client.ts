import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  PendingCalls,
  ProtocolError,
} from "@parley/parley";
import { resp } from "./codec.ts";
import { type ChannelMessage, Subscriptions } from "./subscriptions.ts";
import { Push, RedisError } from "./value.ts";
import type { Argument, Command, Message, Value } from "./value.ts";

export { RedisError } from "./value.ts";
export type { Argument, Command, Value } from "./value.ts";
export type { ChannelMessage } from "./subscriptions.ts";

const MEBIBYTE = 1024 * 1024;

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
   * Called with each push that is no message of a channel, such as
   * `["invalidate", ["key"]]`.
   *
   * @default {undefined}
   */
  onPush?: ((items: Value[]) => void) | undefined;
}

/** Options of a command. */
export interface CommandOptions {
  /** Gives the command up; the server may execute it all the same. */
  signal?: AbortSignal | undefined;
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
  readonly #subscriptions = new Subscriptions();

  constructor(options: RedisOptions = {}) {
    super({
      ...options,
      maxMessageBytes: options.maxMessageBytes ?? 64 * MEBIBYTE,
      maxQueuedBytes: options.maxQueuedBytes ?? 64 * MEBIBYTE,
    });
    this.#options = options;
  }

  /** Executes any command: replies come in the order of the commands. */
  command<T extends Value = Value>(
    command: Command,
    options: CommandOptions = {},
  ): Promise<T> {
    try {
      this.assertRunning();
      const { signal, timeout = this.#options.timeout ?? 5_000 } = options;
      const [method] = command;
      const call = this.#calls.open({ method, signal, timeout });
      if (options.binary) this.#binary.add(call);
      return this.#calls.track(call, this.send(command)) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  get(key: string, options?: CommandOptions): Promise<string | null> {
    return this.command(["GET", key], options);
  }

  set(
    key: string,
    value: Argument,
    options?: CommandOptions,
  ): Promise<Value> {
    return this.command(["SET", key, value], options);
  }

  /**
   * Executes commands with none of other clients between them. Returns their
   * results, of which some may be a `RedisError`; `null` if a key has changed
   * that was watched. `WATCH` is for a client that no one else uses meanwhile.
   *
   * @throws {RedisError} A command was refused, and none was executed.
   */
  async transaction(
    commands: readonly Command[],
    options?: CommandOptions,
  ): Promise<Value[] | null> {
    const all: Command[] = [["MULTI"], ...commands, ["EXEC"]];
    const replies = await Promise.allSettled(
      all.map((command) => this.command(command, options)),
    );
    // The error of a command that was refused tells more than that of EXEC.
    const failed = replies.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    const last = replies.at(-1);
    return last?.status === "fulfilled" ? last.value as Value[] | null : null;
  }

  /**
   * The messages of a channel, once the server has confirmed it. To leave the
   * iteration, or to cancel the stream, ends the subscription.
   */
  subscribe(
    channel: string,
    options?: CommandOptions,
  ): Promise<ReadableStream<ChannelMessage>> {
    return this.#subscribe("SUBSCRIBE", channel, options);
  }

  /** The messages of all channels whose names match, such as `news.*`. */
  psubscribe(
    pattern: string,
    options?: CommandOptions,
  ): Promise<ReadableStream<ChannelMessage>> {
    return this.#subscribe("PSUBSCRIBE", pattern, options);
  }

  protected override createCodec(): Codec<Message, Command> {
    return resp({
      maxMessageBytes: this.maxMessageBytes ?? Infinity,
      binary: () => this.#binary.has(this.#calls.first() ?? this),
    });
  }

  protected override async negotiate(): Promise<void> {
    const { username = "default", password, database } = this.#options;
    const login = password === undefined ? [] : ["AUTH", username, password];
    await this.#ask(["HELLO", 3, ...login]);
    if (database !== undefined) await this.#ask(["SELECT", database]);
  }

  protected override onMessage(message: Message): void {
    const call = this.#calls.first(); // replies come in order
    if (message instanceof Push) {
      const { items } = message;
      if (this.#subscriptions.push(items)) return;
      // The confirmation of a subscription takes the place of its reply.
      const isReply = call?.method === String(items[0]).toUpperCase();
      if (call && isReply) this.#calls.resolve(call.id, items);
      else this.#options.onPush?.(items);
    } else if (!call) {
      throw new ProtocolError("Reply answers no command");
    } else if (message instanceof RedisError) {
      this.#calls.reject(call.id, message);
    } else {
      this.#calls.resolve(call.id, message);
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
    this.#subscriptions.end(cause);
  }

  protected override async keepAlive(): Promise<void> {
    await this.command(["PING"]);
  }

  /** Passwords are not logged. */
  protected override describe(message: Message | Command): unknown {
    const isLogin = Array.isArray(message) &&
      /^(hello|auth)$/i.test(String(message[0]));
    return isLogin ? [message[0], "…"] : message;
  }

  async #ask(command: Command): Promise<void> {
    await this.send(command);
    const reply = await this.receive();
    if (reply instanceof RedisError) throw reply;
  }

  async #subscribe(
    method: "SUBSCRIBE" | "PSUBSCRIBE",
    name: string,
    options?: CommandOptions,
  ): Promise<ReadableStream<ChannelMessage>> {
    const { signal } = this;
    const opposite = method.replace("SUB", "UNSUB");
    const cancel = async () => {
      if (!signal.aborted) await this.command([opposite, name]);
    };
    const stream = this.#subscriptions.add(`${method} ${name}`, cancel);
    try {
      await this.command([method, name], options);
      return stream;
    } catch (error) {
      stream.cancel().catch(() => {}); // The first error tells more.
      throw error;
    }
  }
}
