import type { Logger } from "../_deps.ts";
import { type PendingCommand, PendingCommands } from "./pending_commands.ts";
import { excerptOf, isObject } from "../_wire/client_codec.ts";
import { redact } from "../_wire/redact.ts";
import type { EventHub } from "./event_hub.ts";
import {
  CommandExecution,
  type CommandExecutionOptions,
  nameOf,
  resultOf,
} from "./command_execution.ts";
import { messageOf } from "../_wire/failure.ts";
import {
  ExecuteError,
  GreetingError,
  NegotiationError,
  ServerParseError,
} from "../errors.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type {
  QMPCommand,
  QMPEvent,
  QMPGreeting,
  QMPMessage,
} from "../messages.ts";

/** QEMU stops reading when 8 commands in band are queued: one less gets through. */
const IN_BAND_WINDOW = 7;

/**
 * A QEMU that a client reaches while it starts may greet twice. Each greeting is
 * answered, so a limit bounds what a server that does not read makes us queue.
 */
const MAX_GREETINGS = 8;

/** What a session needs to know about its client. */
export interface ClientSessionOptions {
  send(message: QMPMessage): Promise<void>;
  hub: EventHub;
  logger: Logger;
  /** Whether a greeting is to come before any reply. */
  awaitGreeting: boolean;
  /** Whether a greeting is answered with a request for capabilities. */
  negotiate: boolean;
}

/** What client and server of one session say, and what they have agreed on. */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  readonly #calls: PendingCommands;
  #greeting: QMPGreeting | undefined;
  #greetings = 0;
  /** The last request for capabilities. */
  #negotiation: PendingCommand | undefined;
  #negotiated = false;
  #quitting = false;

  constructor(options: ClientSessionOptions) {
    this.#options = options;
    this.#calls = new PendingCommands(options.send);
  }

  get greeting(): QMPGreeting | undefined {
    return this.#greeting;
  }

  /** Whether capabilities are agreed on since the last greeting. */
  get negotiated(): boolean {
    return this.#negotiated;
  }

  /** Whether the server has been told to quit, and has not refused. */
  get quitting(): boolean {
    return this.#quitting;
  }

  /** @throws {TypeError} The command cannot be sent. */
  execute(
    command: QMPCommand,
    options: CommandExecutionOptions,
  ): Promise<unknown> {
    return nameOf(command) === "quit"
      ? this.#executeQuit(command, options)
      : new CommandExecution(this.#calls, command, options).result;
  }

  /** The command that a reply answers. */
  commandOf(reply: QMPMessage): QMPMessage | undefined {
    return this.#calls.commandOf(reply);
  }

  /**
   * Routes a message to the call or the listeners that it is for.
   *
   * @param bytes Its size on the wire.
   */
  handle(message: QMPMessage, bytes: number): void {
    if (this.#calls.reply(message)) return;
    if ("event" in message) {
      this.#options.hub.dispatch(checkEvent(message), bytes);
    } else if ("QMP" in message) this.#onGreeting(message);
    else if (this.#options.awaitGreeting && !this.#greeting) {
      throw new GreetingError(
        `Expected a greeting, received: ${excerptOf(message)}`,
      );
    } else if (!("id" in message) && this.#isNegotiating()) {
      // Not every server repeats the id.
      this.#calls.reply({ ...message, id: this.#negotiation?.message.id });
    } else this.#onUnroutable(message);
  }

  /** Ends every execution that has no reply. */
  end(cause: unknown): void {
    this.#calls.end(cause);
  }

  async #executeQuit(
    command: QMPCommand,
    options: CommandExecutionOptions,
  ): Promise<unknown> {
    const onSent = () => {
      this.#quitting = true;
      options.onSent?.();
    };
    try {
      const { signal } = options;
      return await new CommandExecution(this.#calls, command, {
        signal,
        onSent,
      })
        .result;
    } catch (error) {
      if (error instanceof ExecuteError) this.#quitting = false;
      throw error;
    }
  }

  /**
   * A greeting may come again: the server has then forgotten what was agreed. A
   * request that it has not answered yet still stands, and a second one after it
   * would bring QEMU to a stop.
   */
  #onGreeting(message: QMPMessage): void {
    if (++this.#greetings > MAX_GREETINGS) {
      throw new GreetingError(
        `Cannot accept a greeting: server has sent ${this.#greetings} in one session, expected at most ${MAX_GREETINGS}`,
      );
    }
    const greeting = this.#greeting = checkGreeting(message);
    const oob = greeting.QMP.capabilities.includes("oob");
    this.#calls.window = oob ? IN_BAND_WINDOW : Infinity;
    if (!this.#options.negotiate || this.#isNegotiating()) return;
    this.#negotiated = false;
    const command = oob
      ? { execute: "qmp_capabilities", arguments: { enable: ["oob"] } }
      : { execute: "qmp_capabilities" };
    this.#negotiation = this.#calls.start(command, {
      onSent: () => {},
      onReply: (reply, sent) => this.#onNegotiated(reply, sent),
      onFailed: () => {},
    }, false);
  }

  #isNegotiating(): boolean {
    return this.#negotiation !== undefined && !this.#negotiated;
  }

  #onNegotiated(reply: QMPMessage, sent: QMPMessage): void {
    try {
      resultOf(reply, sent);
      this.#negotiated = true;
    } catch (cause) {
      throw new NegotiationError(
        `Cannot negotiate: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  #onUnroutable(message: QMPMessage): void {
    if ("id" in message || !("error" in message)) {
      this.#options.logger.warn("Dropped a reply to no command: {message}", {
        message: redact(message),
      });
      return;
    }
    throw new ServerParseError(
      `Server cannot parse what it has read: ${excerptOf(message.error)}`,
      message,
    );
  }
}

function checkGreeting(message: QMPMessage): QMPGreeting {
  const { QMP } = message;
  if (
    isObject(QMP) && isObject(QMP.version) && Array.isArray(QMP.capabilities)
  ) return message as QMPGreeting;
  throw new GreetingError(`Greeting is malformed: ${excerptOf(message)}`);
}

function checkEvent(message: QMPMessage): QMPEvent {
  if (typeof message.event === "string") {
    return message as QMPMessage & QMPEvent;
  }
  throw new ProtocolError(`Event has no name: ${excerptOf(message)}`);
}
