import { LinkedMap } from "../../protocol/_util/linked_map.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { PendingCall } from "../../protocol/pending_call.ts";
import { PendingCalls } from "../../protocol/pending_calls.ts";
import { commandFailure } from "../_wire/command_failure.ts";
import { commandName } from "../_wire/command_name.ts";
import { BadReplyError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";

/** The parts of a session that the queue needs. */
export interface CommandQueueOptions {
  send(message: QMPMessage): Promise<void>;
  /** Drops input until the agent answers a request to synchronize. */
  drop(): void;
  /** The number of bytes that the transport has not taken. */
  queuedBytes(): number;
}

/** Limits of one command. */
export interface GuestCommandOptions {
  /** The deadline of the reply, in milliseconds from now. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** Called when it is the command's turn: from now on, only the agent delays it. */
  onTurn?: (() => void) | undefined;
}

/** A command that has no reply yet. */
interface PendingCommand {
  readonly call: PendingCall<QMPMessage>;
  readonly message: QMPMessage;
  readonly onTurn: (() => void) | undefined;
}

/**
 * The commands of one session with a guest agent. Replies carry no id, so one
 * command at a time is on the wire. The reply to an aborted command may still
 * come. So before the next command, the agent is asked to repeat a number, and
 * everything that arrives before this answer is dropped.
 */
export class CommandQueue {
  readonly #options: CommandQueueOptions;
  readonly #calls = new PendingCalls<QMPMessage>();
  readonly #waiting = new LinkedMap<PendingCommand["call"], PendingCommand>();
  /** The command whose turn is next. */
  #next: PendingCommand | undefined;
  /** The command on the wire. */
  #current: PendingCommand | undefined;
  /** Whether the next reply answers the next command. */
  #synchronized = false;
  /** The number that the agent is to repeat. */
  #requested: number | undefined;
  /** The command before which a number was requested last. */
  #requestedFor: PendingCommand | undefined;
  /** Random, so that answers to other clients are recognized. */
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
   * @throws {CallTimeoutError} There is no reply in time.
   * @throws {ExecInterruptedError} The session has ended.
   * @throws The signal's reason, or the reason why the message cannot be sent.
   */
  async execute(
    message: QMPMessage,
    options: GuestCommandOptions,
  ): Promise<QMPMessage> {
    const { timeout, signal, onTurn } = options;
    const call = this.#calls.open({
      signal,
      timeout,
      method: commandName(message),
    });
    call.sent = false;
    const command = { call, message, onTurn };
    this.#waiting.insert(call, command);
    this.#advance();
    try {
      return await call.promise;
    } catch (error) {
      this.#withdraw(command);
      throw commandFailure(error, message, options);
    }
  }

  /** Asks the agent to repeat a number. */
  synchronize(): void {
    // A second request is useless while one is still queued.
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
  receive(message: QMPMessage | ProtocolError): boolean {
    if (message instanceof ProtocolError) return this.#receiveBad(message);
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
      this.#calls.resolve(command.call.id, message);
    }
    this.#advance();
    return true;
  }

  /** Rejects every command with the session's first cause. */
  end(cause: unknown): void {
    this.#waiting.clear();
    this.#next = undefined;
    this.#current = undefined;
    this.#calls.end(cause);
  }

  /** Fails the command on the wire; the next one synchronizes first. */
  #receiveBad(cause: ProtocolError): boolean {
    if (this.#requested !== undefined) return true;
    const command = this.#current;
    this.#current = undefined;
    this.#synchronized = false;
    if (!command) return false;
    const { call, message } = command;
    const text = `Cannot execute ${call.method}: bad reply: ${cause.message}`;
    const error = new BadReplyError(text, message, undefined, { cause });
    this.#calls.reject(call.id, error);
    return true;
  }

  /** Sends the next command, or the request that has to be sent before it. */
  #advance(): void {
    if (this.#current) return;
    if (this.#next && this.#isGivenUp(this.#next)) this.#next = undefined;
    const next = this.#next ??= this.#takeTurn();
    if (!next) return;
    if (!this.#synchronized) {
      if (this.#requestedFor !== next) this.synchronize();
      this.#requestedFor = next;
      return;
    }
    this.#next = undefined;
    this.#current = next;
    this.#synchronized = false;
    next.call.sent = true;
    this.#options.send(next.message).catch((error) => {
      if (this.#current !== next) return;
      // Nothing was sent.
      this.#synchronized = true;
      this.#calls.reject(next.call.id, error);
    });
  }

  /** The first waiting command that has not been aborted, and is not late. */
  #takeTurn(): PendingCommand | undefined {
    let command = this.#waiting.shift();
    while (command && this.#isGivenUp(command)) command = this.#waiting.shift();
    command?.onTurn?.();
    return command;
  }

  #isGivenUp({ call }: PendingCommand): boolean {
    this.#calls.forget(call.id);
    return !this.#calls.has(call.id);
  }

  /** Removes an aborted command; the next one may be sent. */
  #withdraw(command: PendingCommand): void {
    this.#calls.forget(command.call.id);
    this.#waiting.delete(command.call);
    if (this.#next === command) this.#next = undefined;
    if (this.#current === command) this.#current = undefined;
    this.#advance();
  }
}
