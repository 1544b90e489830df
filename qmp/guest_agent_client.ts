import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
} from "../protocol/mod.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { getLogger, type Logger } from "./_deps.ts";
import { resultOf } from "./_client/command_execution.ts";
import { isTimeout, messageOf } from "./_wire/failure.ts";
import { GuestCodec } from "./_guest_agent/codec.ts";
import { redact } from "./_wire/redact.ts";
import { abortable, within } from "./_client/wait.ts";
import { ExecInterruptedError, NegotiationError } from "./errors.ts";
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
   * The most bytes that an incoming message may take. What is read of a file
   * comes as one message, a third larger than it is.
   *
   * @default {10485760}
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
  extends AsyncProtocol<QMPMessage> {
  readonly #timeout: number;
  readonly #logger: Logger;
  #codec: GuestCodec | undefined;
  /** Settles when the command before has been answered or given up. */
  #turn: Promise<void> = Promise.resolve();
  /** Who waits for the next message. */
  #waiting: PromiseWithResolvers<QMPMessage> | undefined;
  /** The number that the agent is to repeat, while we get in step. */
  #syncing: number | undefined;
  /** Numbers of other clients, or of ours before, are others. */
  #lastSync = Math.floor(Math.random() * 2 ** 31);
  /** Whether the next message would answer the next command. */
  #synchronized = false;

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
    this.#logger = getLogger(["parley", "qmp", name]);
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
   * @throws {ExecInterruptedError} No answer came in time, or the session ended
   * first; it says whether the command was sent.
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
    const before = this.#turn;
    const turn = Promise.withResolvers<void>();
    this.#turn = turn.promise;
    const message: QMPMessage = args === undefined
      ? { execute: command }
      : { execute: command, arguments: args };
    try {
      const result = await this.#execute(message, before, timeout, signal);
      return result as CommandResult<S, C>;
    } finally {
      before.then(turn.resolve);
    }
  }

  // Session machinery

  async #execute(
    message: QMPMessage,
    turn: Promise<void>,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const session = this.signal;
    let sent = false;
    let givenUp = false;
    const exchange = async () => {
      if (!this.#synchronized) await this.#synchronize();
      if (givenUp) return {};
      const reply = this.#next();
      this.#synchronized = false;
      sent = true;
      await this.send(message);
      return await reply;
    };
    let reply: QMPMessage;
    try {
      await abortable(abortable(turn, session), signal);
      reply = await within(timeout, abortable(exchange(), signal));
      this.#synchronized = true;
    } catch (cause) {
      givenUp = true;
      const interrupted = session.aborted || isTimeout(cause);
      if (signal?.aborted || !interrupted) throw cause;
      if (sent && SILENT_COMMANDS.has(`${message.execute}`)) return {};
      throw new ExecInterruptedError(message, sent, {
        cause: session.aborted ? session.reason : cause,
      });
    }
    return resultOf(reply, message);
  }

  /** Drops what is on its way, until the agent repeats a number that is new. */
  async #synchronize(): Promise<void> {
    const id = this.#syncing = ++this.#lastSync;
    const answer = this.#next();
    this.#codec?.drop();
    await this.send({
      execute: "guest-sync-delimited",
      arguments: { id },
    });
    await answer;
    this.#synchronized = true;
  }

  /** The next message that is no answer from before. */
  #next(): Promise<QMPMessage> {
    this.#waiting = Promise.withResolvers();
    // It may be given up before it comes.
    this.#waiting.promise.catch(() => {});
    return this.#waiting.promise;
  }

  // Hooks for subclasses

  /** Begins a session afresh: out of step. */
  protected override createCodec(): Codec<QMPMessage> {
    const { signal } = this;
    this.#turn = Promise.resolve();
    this.#synchronized = false;
    this.#waiting = undefined;
    signal.addEventListener(
      "abort",
      () => this.#waiting?.reject(signal.reason),
      { once: true },
    );
    return this.#codec = new GuestCodec(this.maxMessageBytes);
  }

  /** Gets in step with the agent. */
  protected override async negotiate(): Promise<void> {
    const receive = async () => {
      const inStep = this.#synchronize();
      inStep.catch(() => {});
      while (this.#syncing !== undefined) {
        this.onMessage(await this.receive());
      }
      await inStep;
    };
    try {
      await within(this.#timeout, receive());
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

  /** Hands a message to who waits for it. */
  protected override onMessage(message: QMPMessage): void {
    if (this.#syncing !== undefined) {
      if (message.return !== this.#syncing) return this.#codec?.drop();
      this.#syncing = undefined;
    }
    if (this.#waiting) {
      this.#waiting.resolve(message);
      this.#waiting = undefined;
    } else {
      this.#logger.warn("Dropped a reply to no command: {message}", {
        message: redact(message),
      });
    }
  }

  /** Leaves out passwords. */
  protected override describe(message: QMPMessage): unknown {
    return redact(message);
  }
}
