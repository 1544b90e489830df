import { Queue } from "../../protocol/_util/queue.ts";
import { copyOf } from "../_wire/client_codec.ts";
import { ExecInterruptedError } from "../errors.ts";
import type { QMPCommand, QMPMessage } from "../messages.ts";

/** Who is told what becomes of a command. */
export interface CommandOwner {
  /** The command has been handed to the transport. */
  onSent(): void;
  /** The server has replied. */
  onReply(reply: QMPMessage, sent: QMPMessage): void;
  /** No reply will come: the command cannot be encoded, or the session has ended. */
  onFailed(error: unknown): void;
}

/** A command that has no reply yet. */
export interface PendingCommand {
  readonly message: QMPMessage;
  readonly inBand: boolean;
  /** Nobody, where the caller has gone: the reply is dropped. */
  caller: CommandOwner | undefined;
  sent: boolean;
}

/** The commands of a session that have no reply yet, by their ids. */
export class PendingCommands {
  /**
   * How many commands in band may be on the wire at once; the rest waits here,
   * in order.
   */
  window = Infinity;
  readonly #send: (message: QMPMessage) => Promise<void>;
  readonly #calls = new Map<unknown, PendingCommand>();
  readonly #waiting = new Queue<PendingCommand>();
  #onWire = 0;
  #lastId = 0;

  constructor(send: (message: QMPMessage) => Promise<void>) {
    this.#send = send;
  }

  /**
   * Sends a command, or has it wait for its turn, where it needs one.
   *
   * @throws {TypeError} Its id is none or is taken, or it has no JSON text.
   */
  start(
    command: QMPCommand,
    caller: CommandOwner,
    inBand = command["exec-oob"] === undefined,
  ): PendingCommand {
    const { id = this.#freeId() } = command;
    if (typeof id !== "string" && !Number.isSafeInteger(id)) {
      throw new TypeError(
        `Cannot execute: id must be a string or an integer: ${id}`,
      );
    }
    if (this.#calls.has(id)) {
      throw new TypeError(`Cannot execute: id is in use: ${id}`);
    }
    const waits = inBand && this.#onWire >= this.window;
    const message = { ...command, id };
    const call: PendingCommand = {
      message: waits ? copyOf(message) : message,
      inBand,
      caller,
      sent: false,
    };
    this.#calls.set(id, call);
    if (waits) this.#waiting.push(call);
    else this.#transmit(call);
    return call;
  }

  /** Lets a call's caller go: it is taken back where it has not been sent. */
  abandon(call: PendingCommand): void {
    call.caller = undefined;
    if (!call.sent) this.#calls.delete(call.message.id);
  }

  /** The command that a reply answers. */
  commandOf(reply: QMPMessage): QMPMessage | undefined {
    return this.#calls.get(reply.id)?.message;
  }

  /** Routes a reply; false where no call has its id. */
  reply(reply: QMPMessage): boolean {
    const call = this.#calls.get(reply.id);
    if (!call?.sent) return false;
    this.#remove(call);
    call.caller?.onReply(reply, call.message);
    return true;
  }

  /** Ends all calls with one cause. */
  end(cause: unknown): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { caller, message, sent } of calls) {
      caller?.onFailed(new ExecInterruptedError(message, sent, { cause }));
    }
  }

  #freeId(): number {
    do this.#lastId++; while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }

  #transmit(call: PendingCommand): void {
    call.sent = true;
    if (call.inBand) this.#onWire++;
    // There is no waiting for room: who awaits replies bounds what is queued.
    this.#send(call.message).catch((error) => {
      if (!this.#calls.has(call.message.id)) return;
      this.#remove(call);
      call.caller?.onFailed(error);
    });
    call.caller?.onSent();
  }

  #remove(call: PendingCommand): void {
    this.#calls.delete(call.message.id);
    if (!call.inBand) return;
    this.#onWire--;
    while (this.#onWire < this.window) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (next.caller) this.#transmit(next);
    }
  }
}
