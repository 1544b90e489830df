import { LinkedMap } from "../../protocol/_util/linked_map.ts";
import type { PendingCall } from "../../protocol/pending_call.ts";
import { PendingCalls } from "../../protocol/pending_calls.ts";
import { copyOf } from "../_wire/client_codec.ts";
import { commandFailure } from "../_wire/command_failure.ts";
import { commandName } from "../_wire/command_name.ts";
import { resultOf } from "../_wire/reply.ts";
import { ExecInterruptedError } from "../errors.ts";
import type { QMPCommand, QMPMessage } from "../messages.ts";

type CommandId = string | number;

/** Options of a command's execution. */
export interface CommandOptions {
  signal?: AbortSignal | undefined;
  /** The deadline of the reply, in milliseconds from now. */
  timeout?: number | undefined;
  /** Called when the command has been handed to the transport. */
  onSent?: (() => void) | undefined;
  /** Called with the reply before anything else is done with it. */
  onReply?: ((reply: QMPMessage, sent: QMPMessage) => void) | undefined;
  /** Whether the command counts for the window. */
  inBand?: boolean | undefined;
}

/** A command that has no reply yet. */
export interface PendingCommand {
  readonly call: PendingCall<unknown, CommandId>;
  readonly message: QMPMessage;
  readonly inBand: boolean;
  readonly options: CommandOptions;
}

/** The commands of a session that have no reply yet. */
export class PendingCommands {
  /** The number of in-band commands that may be on the wire; the others wait. */
  window = Infinity;
  readonly #send: (message: QMPMessage) => Promise<void>;
  readonly #calls = new PendingCalls<unknown, CommandId>();
  /** The commands of `#calls`, with their messages. */
  readonly #commands = new Map<unknown, PendingCommand>();
  readonly #waiting = new LinkedMap<PendingCommand["call"], PendingCommand>();
  #onWire = 0;
  #lastId = 0;

  constructor(send: (message: QMPMessage) => Promise<void>) {
    this.#send = send;
  }

  /**
   * Executes a command, and resolves with its result. A rejection is never
   * unhandled.
   *
   * @throws {TypeError} Its id is of another type or in use, or it has no JSON
   * text: at once, or by the promise.
   */
  execute(command: QMPCommand, options: CommandOptions): Promise<unknown> {
    const pending = this.start(command, options);
    const { promise } = pending.call;
    const { signal, timeout } = options;
    if (!signal && timeout === undefined) return promise;
    const result = promise.catch((error) => {
      this.#withdraw(pending);
      throw commandFailure(error, pending.message, options);
    });
    result.catch(() => {});
    return result;
  }

  /**
   * Sends a command, or queues it until it is its turn.
   *
   * @throws {TypeError} Its id is of another type or in use, or it has no JSON
   * text.
   */
  start(command: QMPCommand, options: CommandOptions): PendingCommand {
    const { id = this.#freeId() } = command;
    this.#checkId(id);
    const { inBand = command["exec-oob"] === undefined } = options;
    const { signal, timeout } = options;
    const waits = inBand && this.#onWire >= this.window;
    const whole = { ...command, id };
    const message = waits ? copyOf(whole) : whole;
    const method = commandName(command);
    const call = this.#calls.open({ id, signal, timeout, method });
    call.sent = false;
    const pending = { call, message, inBand, options };
    this.#commands.set(id, pending);
    if (waits) this.#waiting.insert(call, pending);
    else this.#transmit(pending);
    return pending;
  }

  /** The command that a reply answers. */
  commandOf(reply: QMPMessage): QMPMessage | undefined {
    return this.#commands.get(reply.id)?.message;
  }

  /** Takes a reply; false if no command has its id. */
  reply(reply: QMPMessage): boolean {
    const pending = this.#commands.get(reply.id);
    if (!pending?.call.sent) return false;
    this.#release(pending);
    const { call, message, options } = pending;
    options.onReply?.(reply, message);
    try {
      this.#calls.resolve(call.id, resultOf(reply, message));
    } catch (error) {
      this.#calls.reject(call.id, error);
    }
    return true;
  }

  /** Rejects every command with the session's first cause. */
  end(cause: unknown): void {
    const commands = [...this.#commands.values()];
    this.#commands.clear();
    this.#waiting.clear();
    for (const { call, message } of commands) {
      const error = new ExecInterruptedError(message, call.sent, { cause });
      this.#calls.reject(call.id, error);
    }
  }

  #freeId(): number {
    do this.#lastId++; while (this.#commands.has(this.#lastId));
    return this.#lastId;
  }

  #checkId(id: unknown): void {
    if (typeof id !== "string" && !Number.isSafeInteger(id)) {
      throw new TypeError(
        `Cannot execute: id is ${id}: it must be a string or an integer`,
      );
    }
    if (this.#commands.has(id)) {
      throw new TypeError(
        `Cannot execute: id is ${id}: it must not be in use`,
      );
    }
  }

  #transmit(pending: PendingCommand): void {
    const { call, inBand, message, options } = pending;
    call.sent = true;
    if (inBand) this.#onWire++;
    // Not awaited: callers that wait for replies bound the queue.
    this.#send(message).catch((error) => {
      if (this.#commands.get(call.id) !== pending) return;
      this.#release(pending);
      this.#calls.reject(call.id, error);
    });
    try {
      options.onSent?.();
    } catch (error) {
      this.#calls.reject(call.id, error);
    }
  }

  /** Removes a command that is no longer on the wire; the next one may be sent. */
  #release(pending: PendingCommand): void {
    this.#commands.delete(pending.call.id);
    if (!pending.inBand) return;
    this.#onWire--;
    while (this.#onWire < this.window) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (this.#isGivenUp(next)) this.#withdraw(next);
      else this.#transmit(next);
    }
  }

  /** Whether a command that was not sent has been aborted, or is late. */
  #isGivenUp({ call }: PendingCommand): boolean {
    this.#calls.forget(call.id);
    return !this.#calls.has(call.id);
  }

  /** Removes an aborted command, unless it was sent. */
  #withdraw(pending: PendingCommand): void {
    if (pending.call.sent) return;
    this.#waiting.delete(pending.call);
    this.#commands.delete(pending.call.id);
    this.#calls.forget(pending.call.id);
  }
}
