import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
} from "../protocol/mod.ts";
import { CallError, ProtocolError } from "../protocol/errors.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { loggerOf } from "../protocol/_util/logger.ts";
import type { Logger } from "./_deps.ts";
import { resultOf } from "./_wire/reply.ts";
import { isTimeout, messageOf } from "./_wire/failure.ts";
import { GuestCodec } from "./_guest_agent/codec.ts";
import { CommandQueue } from "./_guest_agent/command_queue.ts";
import { redact } from "./_wire/redact.ts";
import { within } from "./_client/wait.ts";
import { NegotiationError } from "./errors.ts";
import type { QMPMessage } from "./messages.ts";
import type {
  AnySchema,
  CommandName,
  CommandResult,
  ExecuteParameters,
  QMPSchema,
} from "./schema.ts";

/** Commands that are answered only when they fail. */
const SILENT_COMMANDS = new Set([
  "guest-shutdown",
  "guest-suspend-disk",
  "guest-suspend-hybrid",
  "guest-suspend-ram",
]);

/** Options of a guest agent's client. */
export interface GuestAgentClientOptions extends AsyncProtocolOptions {
  /**
   * The largest size of an incoming message, in bytes. A larger reply fails its
   * command alone. The default has room for the largest replies of an agent.
   *
   * @default {68157440}
   */
  maxMessageBytes?: number;
  /**
   * For how long the agent may take to answer, in milliseconds. An agent that
   * does not answer is nothing unusual: its guest may be busy, or have none.
   *
   * @default {10000}
   */
  timeout?: number;
}

/** Options of a guest command's execution. */
export interface GuestExecuteOptions extends WaitOptions {
  /**
   * For how long the agent may take to answer, in milliseconds.
   *
   * @default {undefined}
   */
  timeout?: number;
}

/**
 * A client of QEMU's guest agent, which speaks QMP's language without greeting,
 * events or ids.
 *
 * A session begins by getting in step with the agent: whatever is left of other
 * sessions is dropped. Commands are executed one after another. When one is
 * given up, for its deadline or its signal, the next begins by getting in step
 * again, so that no late answer is taken for another's.
 *
 * @example A guest's name, where it is known
 * ```ts ignore
 * import { GuestAgentClient } from "@parley/parley/qmp";
 * import { unix } from "@parley/parley/transports";
 *
 * await using agent = new GuestAgentClient({ timeout: 2_000 });
 * await agent.connect(unix({ path: "/run/vm/agent" }));
 * console.log(await agent.execute("guest-get-host-name"));
 * ```
 */
export class GuestAgentClient<S extends QMPSchema = AnySchema>
  extends AsyncProtocol<QMPMessage | ProtocolError, QMPMessage> {
  readonly #timeout: number;
  readonly #logger: Logger;
  #commands: CommandQueue;

  /**
   * Makes a client that is `idle`.
   *
   * @throws {RangeError} A number is negative or no number.
   */
  constructor(options: GuestAgentClientOptions = {}) {
    super(options);
    const { timeout = 10_000, name = this.constructor.name } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    this.#timeout = timeout;
    this.#logger = loggerOf("parley", "qmp", name);
    this.#commands = this.#newQueue(() => {});
  }

  // Public interface

  /**
   * Executes a command, after those that were given before, and resolves with
   * what it returns. A command that is answered only when it fails, such as
   * `guest-shutdown`, resolves when no answer came in time, or when the session
   * has ended.
   *
   * An abort rejects with the signal's reason: what the agent does with a command
   * that was sent is not known then.
   *
   * @throws {ExecuteError} The agent answers with an error.
   * @throws {BadReplyError} The answer is neither a result nor an error.
   * @throws {CallTimeoutError} There is no reply within `timeout`; the error says
   * whether the command was sent.
   * @throws {ExecInterruptedError} The session ended first; the error says whether
   * the command was sent.
   * @throws {StateError} The session is not running.
   * @throws {RangeError} `timeout` is negative or no number.
   * @throws {TypeError} The arguments have no JSON text.
   * @throws The signal's reason, when it is aborted.
   */
  async execute<C extends CommandName<S>>(
    command: C,
    ...[args, options = {}]: ExecuteParameters<S, C, GuestExecuteOptions>
  ): Promise<CommandResult<S, C>> {
    const { signal, timeout = this.#timeout } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    this.assertRunning();
    signal?.throwIfAborted();
    const message: QMPMessage = args === undefined
      ? { execute: command }
      : { execute: command, arguments: args };
    const limits = { timeout, signal };
    try {
      const reply = await this.#commands.execute(message, limits);
      return resultOf(reply, message) as CommandResult<S, C>;
    } catch (error) {
      const silent = SILENT_COMMANDS.has(command) &&
        error instanceof CallError && error.sent;
      if (silent) return {} as CommandResult<S, C>;
      throw error;
    }
  }

  // Session machinery

  #newQueue(drop: () => void): CommandQueue {
    return new CommandQueue({
      drop,
      send: (message) => this.send(message),
      queuedBytes: () => this.stats.queuedBytes,
    });
  }

  // Hooks for subclasses

  /** Starts a session: no command is pending, and nothing is synchronized. */
  protected override createCodec(): Codec<
    QMPMessage | ProtocolError,
    QMPMessage
  > {
    const { signal } = this;
    const codec = new GuestCodec(this.maxMessageBytes);
    const commands = this.#commands = this.#newQueue(() => codec.drop());
    signal.addEventListener("abort", () => commands.end(signal.reason), {
      once: true,
    });
    return codec;
  }

  /** Synchronizes with the agent. */
  protected override async negotiate(): Promise<void> {
    const synchronize = async () => {
      this.#commands.synchronize();
      while (!this.#commands.synchronized) this.onMessage(await this.receive());
    };
    try {
      await within(this.#timeout, synchronize());
    } catch (cause) {
      const why = isTimeout(cause)
        ? `nothing came for ${this.#timeout} ms`
        : messageOf(cause);
      throw new NegotiationError(
        `Cannot get in step with the guest agent: ${why}`,
        { cause },
      );
    }
  }

  /** Hands a reply to its command. */
  protected override onMessage(message: QMPMessage | ProtocolError): void {
    if (this.#commands.receive(message)) return;
    this.#logger.warn("Dropped a reply to no command: {message}", {
      message: this.describe(message),
    });
  }

  /** Leaves out passwords. */
  protected override describe(message: QMPMessage | ProtocolError): unknown {
    return message instanceof ProtocolError ? message : redact(message);
  }
}
