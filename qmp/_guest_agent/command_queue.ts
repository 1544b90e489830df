import { MAX_TIMEOUT } from "../../protocol/_util/validate.ts";
import { ExecInterruptedError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";

/** What a queue needs from its session. */
export interface CommandQueueOptions {
  send(message: QMPMessage): Promise<void>;
  /** Drops what arrives until the agent answers a request to synchronize. */
  drop(): void;
  /** The number of bytes that the transport has not taken. */
  queuedBytes(): number;
}

/** Limits of one command. */
export interface GuestCommandOptions {
  /** How long the reply may take, in milliseconds, counted from the call. */
  timeout: number;
  signal: AbortSignal | undefined;
}

/** A command that has no reply yet. */
interface GuestCommand extends PromiseWithResolvers<QMPMessage> {
  readonly message: QMPMessage;
  sent: boolean;
}

/**
 * The commands of one session with a guest agent. Replies carry no id, so one
 * command at a time is on the wire. After a command that was given up its reply
 * may still come: before the next command the agent is asked to repeat a number,
 * and whatever comes before that answer is dropped.
 */
export class CommandQueue {
  readonly #options: CommandQueueOptions;
  /** Commands that wait for their turn, in order. */
  readonly #waiting = new Set<GuestCommand>();
  /** The command on the wire. */
  #current: GuestCommand | undefined;
  /** Whether the next reply answers the next command. */
  #synchronized = false;
  /** The number that the agent is to repeat. */
  #requested: number | undefined;
  /** The command before which it was requested last. */
  #requestedFor: GuestCommand | undefined;
  /** Random, so that answers to other clients are told apart. */
  #lastNumber = Math.floor(Math.random() * 2 ** 31);

  constructor(options: CommandQueueOptions) {
    this.#options = options;
  }

  get synchronized(): boolean {
    return this.#synchronized;
  }

  /**
   * Queues a command, and resolves with its reply.
   *
   * @throws {ExecInterruptedError} No reply in time, or the session has ended.
   * @throws The signal's reason, or the reason why the message cannot be sent.
   */
  execute(
    message: QMPMessage,
    { timeout, signal }: GuestCommandOptions,
  ): Promise<QMPMessage> {
    const command: GuestCommand = {
      ...Promise.withResolvers<QMPMessage>(),
      message,
      sent: false,
    };
    const late = () => {
      const cause = new DOMException(
        `${timeout} ms have passed`,
        "TimeoutError",
      );
      this.#giveUp(command, interrupted(command, cause));
    };
    const abort = () => this.#giveUp(command, signal?.reason);
    const timer = setTimeout(late, Math.min(timeout, MAX_TIMEOUT));
    signal?.addEventListener("abort", abort, { once: true });
    this.#waiting.add(command);
    this.#advance();
    return command.promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    });
  }

  /** Asks the agent to repeat a number. */
  synchronize(): void {
    // A second request behind one that is still queued gains nothing.
    if (this.#requested !== undefined && this.#options.queuedBytes() > 0) {
      return;
    }
    const id = this.#requested = ++this.#lastNumber;
    this.#options.drop();
    // If this fails, the session ends.
    this.#options.send({ execute: "guest-sync-delimited", arguments: { id } })
      .catch(() => {});
  }

  /** Takes a message from the agent; false if no command waits for it. */
  receive(message: QMPMessage): boolean {
    if (this.#requested !== undefined) {
      if (message.return !== this.#requested) {
        this.#options.drop();
        return true;
      }
      this.#requested = undefined;
      this.#synchronized = true;
    } else {
      const command = this.#current;
      this.#current = undefined;
      this.#synchronized = command !== undefined;
      if (!command) return false;
      command.resolve(message);
    }
    this.#advance();
    return true;
  }

  /** Ends every command with the session's first cause. */
  end(cause: unknown): void {
    const commands = [...this.#waiting];
    if (this.#current) commands.unshift(this.#current);
    this.#waiting.clear();
    this.#current = undefined;
    for (const command of commands) command.reject(interrupted(command, cause));
  }

  #giveUp(command: GuestCommand, error: unknown): void {
    command.reject(error);
    this.#waiting.delete(command);
    if (this.#current === command) this.#current = undefined;
    this.#advance();
  }

  /** Sends the next command, or what has to be sent before it. */
  #advance(): void {
    const [command] = this.#waiting;
    if (!command || this.#current) return;
    if (!this.#synchronized) {
      if (this.#requestedFor !== command) this.synchronize();
      this.#requestedFor = command;
      return;
    }
    this.#waiting.delete(command);
    this.#current = command;
    this.#synchronized = false;
    command.sent = true;
    this.#options.send(command.message).catch((error) => {
      if (this.#current !== command) return;
      command.sent = false;
      this.#synchronized = true;
      this.#giveUp(command, error);
    });
  }
}

function interrupted(
  { message, sent }: GuestCommand,
  cause: unknown,
): ExecInterruptedError {
  return new ExecInterruptedError(message, sent, { cause });
}
