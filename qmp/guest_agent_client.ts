import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
} from "../protocol/mod.ts";
import { CallError, ProtocolError } from "../protocol/errors.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { loggerOf } from "../protocol/_util/logger.ts";
import { resultOf } from "./_wire/reply.ts";
import { isTimeout, messageOf } from "./_wire/failure.ts";
import type { Agent, AgentOptions } from "./_guest_agent/agent.ts";
import { GuestCodec } from "./_guest_agent/codec.ts";
import { readGuestFile, writeGuestFile } from "./_guest_agent/files.ts";
import { execInGuest } from "./_guest_agent/programs.ts";
import { CommandQueue } from "./_guest_agent/command_queue.ts";
import { redact } from "./_wire/redact.ts";
import { within } from "./_client/wait.ts";
import { NegotiationError } from "./errors.ts";
import type {
  GuestExecOptions,
  GuestExecResult,
  GuestReadFileOptions,
} from "./guest_agent_options.ts";
import type { QMPMessage } from "./messages.ts";
import type {
  AnySchema,
  CommandName,
  CommandResult,
  ExecuteParameters,
  QMPSchema,
} from "./schema.ts";

/** Commands that are answered only if they fail. */
const SILENT_COMMANDS = new Set([
  "guest-shutdown",
  "guest-suspend-disk",
  "guest-suspend-hybrid",
  "guest-suspend-ram",
]);

/** Options of a guest agent's client. */
export interface GuestAgentClientOptions extends AsyncProtocolOptions {
  /**
   * The maximum size of an incoming message, in bytes. A larger reply fails its
   * command alone. The default has room for the largest replies of an agent.
   *
   * @default {68157440}
   */
  maxMessageBytes?: number | undefined;
  /**
   * The deadline of each reply, in milliseconds. Expect missing replies: the guest
   * may be busy, or have no agent.
   *
   * @default {10000}
   */
  timeout?: number | undefined;
  /**
   * How long the client may take to synchronize when it connects, in
   * milliseconds.
   *
   * @default {the timeout}
   */
  handshakeTimeout?: number | undefined;
}

/** Options of a guest command's execution. */
export interface GuestExecuteOptions extends WaitOptions {
  /**
   * The deadline of the reply, in milliseconds from the call.
   *
   * @default {the client's timeout}
   */
  timeout?: number | undefined;
}

/**
 * A client of QEMU's guest agent, which speaks QMP's language without greeting,
 * events and ids.
 *
 * At the start of a session the client synchronizes with the agent, and drops
 * leftovers of other sessions. Commands are executed one after another. After a
 * command that timed out or was aborted, the client synchronizes again, so that a
 * late reply is not taken for the reply to another command.
 *
 * The agent runs in the guest, so do not trust it. {@linkcode GuestAgentSchema}
 * types its commands: `new GuestAgentClient<GuestAgentSchema>()`.
 *
 * @example A program, and a file
 * ```ts ignore
 * import { GuestAgentClient } from "@parley/parley/qmp";
 * import { unix } from "@parley/parley/transports";
 *
 * await using agent = new GuestAgentClient({ timeout: 2_000 });
 * await agent.connect(unix({ path: "/run/vm/agent" }));
 * const { code, stdout } = await agent.exec("uname", { args: ["-r"] });
 * console.log(code, new TextDecoder().decode(stdout));
 * await agent.writeFile("/etc/motd", "Hello\n");
 * ```
 */
export class GuestAgentClient<S extends QMPSchema = AnySchema>
  extends AsyncProtocol<QMPMessage | ProtocolError, QMPMessage> {
  readonly #timeout: number;
  readonly #handshakeTimeout: number;
  readonly #agent: Agent;
  #commands: CommandQueue;

  /**
   * Makes a client that is `idle`.
   *
   * @throws {RangeError} A number is out of range.
   * @throws {TypeError} An option has the wrong type.
   */
  constructor(options: GuestAgentClientOptions = {}) {
    // Synchronizing has a deadline and an error of its own.
    super({ ...options, handshakeTimeout: Infinity });
    const {
      timeout = 10_000,
      handshakeTimeout = timeout,
      name = this.constructor.name,
    } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    checkNumber("handshakeTimeout", handshakeTimeout, 0, Infinity);
    this.#handshakeTimeout = handshakeTimeout;
    this.#timeout = timeout;
    this.#agent = {
      timeout,
      session: () => this.signal,
      logger: loggerOf("parley", "qmp", name),
      execute: (command, args, options = {}) =>
        this.#execute(command, args, options),
      bytesReceived: () => this.stats.bytesReceived,
    };
    this.#commands = this.#newQueue(() => {});
  }

  // Public interface

  /**
   * Executes a command, after all earlier commands, and resolves with its result.
   * A command that is answered only if it fails, such as `guest-shutdown`,
   * resolves when there is no answer in time, or when the session has ended.
   *
   * An abort rejects with the signal's reason: a command that was sent may run.
   *
   * @throws {ExecuteError} The agent replies with an error.
   * @throws {BadReplyError} The reply is neither a result nor an error, or cannot
   * be read.
   * @throws {CallTimeoutError} There is no reply within `timeout`; the error says
   * whether the command was sent.
   * @throws {ExecInterruptedError} The session ended first; the error says whether
   * the command was sent.
   * @throws {StateError} The session is not running.
   * @throws {RangeError} `timeout` is out of range.
   * @throws {TypeError} The arguments have no JSON text.
   * @throws The signal's reason, when it is aborted.
   */
  async execute<C extends CommandName<S>>(
    command: C,
    ...[args, options = {}]: ExecuteParameters<S, C, GuestExecuteOptions>
  ): Promise<CommandResult<S, C>> {
    const { signal, timeout } = options;
    const result = await this.#execute(command, args, { signal, timeout });
    return result as CommandResult<S, C>;
  }

  /**
   * Runs a program in the guest to its end, and resolves with its exit code and
   * its output. The agent looks for a program without a path in its `PATH`.
   *
   * An abort rejects with the signal's reason, but the program goes on: an agent
   * cannot end it. The agent captures the first 16 MiB of each output.
   *
   * @throws {ExecuteError} The program cannot be started.
   * @throws {CallTimeoutError} The agent sends nothing for `timeout`.
   * @throws {BadReplyError} A reply is not what the command returns.
   * @throws {ExecInterruptedError} The session has ended.
   * @throws {StateError} The session is not running.
   * @throws The signal's reason, when it is aborted.
   */
  exec(
    path: string,
    options: GuestExecOptions = {},
  ): Promise<GuestExecResult> {
    return execInGuest(this.#agent, path, options);
  }

  /**
   * Reads a file of the guest, of any size up to `maxBytes`, in pieces: other
   * commands are executed in between.
   *
   * @throws {ExecuteError} The file cannot be opened or read.
   * @throws {RangeError} The file has more than `maxBytes` bytes.
   * @throws {BadReplyError} A reply is not what the command returns.
   * @throws {CallTimeoutError} There is no reply to a command within `timeout`.
   * @throws {ExecInterruptedError} The session has ended.
   * @throws {StateError} The session is not running.
   * @throws The signal's reason, when it is aborted; the file is closed then.
   */
  readFile(
    path: string,
    options: GuestReadFileOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { maxBytes = 2 ** 30, signal } = options;
    return readGuestFile(this.#agent, path, { maxBytes, signal });
  }

  /**
   * Writes a file of the guest, of any size, in pieces: other commands are
   * executed in between. The file is created, or truncated if it exists. Text is
   * written as UTF-8.
   *
   * @throws {ExecuteError} The file cannot be opened or written.
   * @throws {BadReplyError} A reply is not what the command returns.
   * @throws {CallTimeoutError} There is no reply to a command within `timeout`.
   * @throws {ExecInterruptedError} The session has ended.
   * @throws {StateError} The session is not running.
   * @throws The signal's reason, when it is aborted; the file is closed then.
   */
  writeFile(
    path: string,
    data: Uint8Array | string,
    options: WaitOptions = {},
  ): Promise<void> {
    return writeGuestFile(this.#agent, path, data, options);
  }

  // Session machinery

  async #execute(
    command: string,
    args: object | undefined,
    { signal, timeout = this.#timeout, onTurn }: AgentOptions,
  ): Promise<unknown> {
    checkNumber("timeout", timeout, 0, Infinity);
    this.assertRunning();
    signal?.throwIfAborted();
    const message: QMPMessage = args === undefined
      ? { execute: command }
      : { execute: command, arguments: args };
    const options = { signal, timeout, onTurn };
    try {
      const reply = await this.#commands.execute(message, options);
      return resultOf(reply, message);
    } catch (error) {
      const silent = SILENT_COMMANDS.has(command) &&
        error instanceof CallError && error.sent;
      if (silent) return {};
      throw error;
    }
  }

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
    const codec = new GuestCodec(this.maxMessageBytes);
    this.#commands = this.#newQueue(() => codec.drop());
    return codec;
  }

  /** Rejects commands without a reply. */
  protected override onSessionEnd(cause: unknown): void {
    this.#commands.end(cause);
  }

  /** Synchronizes with the agent. */
  protected override async negotiate(): Promise<void> {
    const synchronize = async () => {
      this.#commands.synchronize();
      while (!this.#commands.synchronized) this.onMessage(await this.receive());
    };
    try {
      await within(this.#handshakeTimeout, synchronize());
    } catch (cause) {
      const why = isTimeout(cause)
        ? `nothing came for ${this.#handshakeTimeout} ms`
        : messageOf(cause);
      throw new NegotiationError(
        `Cannot synchronize with the guest agent: ${why}`,
        { cause },
      );
    }
  }

  /** Pings the agent. If there is no reply, `idleTimeout` ends the session. */
  protected override async keepAlive(): Promise<void> {
    await this.#execute("guest-ping", undefined, {}).catch(() => {});
  }

  /** Hands a reply to its command. */
  protected override onMessage(message: QMPMessage | ProtocolError): void {
    if (this.#commands.receive(message)) return;
    this.#agent.logger.warn("Dropped a reply to no command: {message}", {
      message: this.describe(message),
    });
  }

  /** Leaves out passwords. */
  protected override describe(message: QMPMessage | ProtocolError): unknown {
    return message instanceof ProtocolError ? message : redact(message);
  }
}
