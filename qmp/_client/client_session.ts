import { printable } from "../../protocol/_util/printable.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { Logger } from "../_deps.ts";
import { excerptOf, isObject } from "../_wire/client_codec.ts";
import { commandName } from "../_wire/command_name.ts";
import { messageOf } from "../_wire/failure.ts";
import { redact } from "../_wire/redact.ts";
import { resultOf } from "../_wire/reply.ts";
import {
  GreetingError,
  NegotiationError,
  ServerParseError,
} from "../errors.ts";
import type {
  QMPCommand,
  QMPEvent,
  QMPGreeting,
  QMPMessage,
} from "../messages.ts";
import type { QMPEventHub } from "./event_hub.ts";
import {
  type CommandOptions,
  type PendingCommand,
  PendingCommands,
} from "./pending_commands.ts";

/** QEMU stops reading at 8 queued in-band commands; one less leaves room for oob. */
const IN_BAND_WINDOW = 7;

/**
 * A QEMU that is still starting may greet twice. Each greeting is answered, so a
 * limit bounds the bytes that are queued for a server that does not read.
 */
const MAX_GREETINGS = 8;

/** Events after which a guest that has shut down runs again (`-no-shutdown`). */
const STARTED: ReadonlySet<string> = new Set(["RESET", "RESUME"]);

/** The parts of the client that a session needs. */
export interface ClientSessionOptions {
  send(message: QMPMessage): Promise<void>;
  hub: QMPEventHub;
  logger: Logger;
  /** Whether a greeting comes before any reply. */
  awaitGreeting: boolean;
  /** Whether a greeting is answered with `qmp_capabilities`. */
  negotiate: boolean;
}

/** The state of one session with a server. */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  readonly #commands: PendingCommands;
  #greeting: QMPGreeting | undefined;
  #greetings = 0;
  /** The last `qmp_capabilities`. */
  #negotiation: PendingCommand | undefined;
  #negotiated = false;
  #quitting = false;
  #shutDown: QMPEvent | undefined;

  constructor(options: ClientSessionOptions) {
    this.#options = options;
    this.#commands = new PendingCommands(options.send);
  }

  get greeting(): QMPGreeting | undefined {
    return this.#greeting;
  }

  /** Whether capabilities are agreed on since the last greeting. */
  get negotiated(): boolean {
    return this.#negotiated;
  }

  /** Whether the server has received `quit`, and has not refused. */
  get quitting(): boolean {
    return this.#quitting;
  }

  /** The shutdown of the guest, if it has not been started again. */
  get shutDown(): QMPEvent | undefined {
    return this.#shutDown;
  }

  /** @throws {TypeError} The command cannot be sent. */
  execute(command: QMPCommand, options: CommandOptions): Promise<unknown> {
    if (commandName(command) !== "quit") {
      return this.#commands.execute(command, options);
    }
    return this.#commands.execute(command, {
      ...options,
      onSent: () => {
        this.#quitting = true;
        options.onSent?.();
      },
      onReply: (reply) => {
        if ("error" in reply) this.#quitting = false;
      },
    });
  }

  /** The command that a reply answers. */
  commandOf(reply: QMPMessage): QMPMessage | undefined {
    return this.#commands.commandOf(reply);
  }

  /**
   * Routes a message to its command or its listeners.
   *
   * @param bytes Its size on the wire.
   */
  handle(message: QMPMessage, bytes: number): void {
    if (this.#commands.reply(message)) return;
    if ("event" in message) {
      this.#onEvent(checkEvent(message), bytes);
    } else if ("QMP" in message) this.#onGreeting(message);
    else if (this.#options.awaitGreeting && !this.#greeting) {
      throw new GreetingError(
        `Expected a greeting, received: ${excerpt(message)}`,
      );
    } else if (!("id" in message) && this.#isNegotiating()) {
      // Some servers do not repeat the id.
      this.#commands.reply({ ...message, id: this.#negotiation?.call.id });
    } else this.#onUnroutable(message);
  }

  /** Rejects every command that has no reply. */
  end(cause: unknown): void {
    this.#commands.end(cause);
  }

  #onEvent(event: QMPEvent, bytes: number): void {
    if (event.event === "SHUTDOWN") this.#shutDown = event;
    else if (STARTED.has(event.event)) this.#shutDown = undefined;
    this.#options.hub.dispatch(event, bytes);
  }

  /**
   * A greeting may come again: then the server has forgotten the capabilities.
   * While a request has no answer, it is not repeated: a second one would stop
   * QEMU.
   */
  #onGreeting(message: QMPMessage): void {
    if (++this.#greetings > MAX_GREETINGS) {
      throw new GreetingError(
        `Cannot accept a greeting: server has sent ${this.#greetings} in one session, expected at most ${MAX_GREETINGS}`,
      );
    }
    const greeting = this.#greeting = checkGreeting(message);
    const oob = greeting.QMP.capabilities.includes("oob");
    this.#commands.window = oob ? IN_BAND_WINDOW : Infinity;
    if (!this.#options.negotiate || this.#isNegotiating()) return;
    this.#negotiated = false;
    const command = oob
      ? { execute: "qmp_capabilities", arguments: { enable: ["oob"] } }
      : { execute: "qmp_capabilities" };
    this.#negotiation = this.#commands.start(command, {
      inBand: false,
      onReply: (reply, sent) => this.#onNegotiated(reply, sent),
    });
  }

  #isNegotiating(): boolean {
    return this.#negotiation !== undefined && !this.#negotiated;
  }

  #onNegotiated(reply: QMPMessage, sent: QMPMessage): void {
    try {
      resultOf(reply, sent);
      this.#negotiated = true;
    } catch (cause) {
      throw new NegotiationError(`Cannot negotiate: ${messageOf(cause)}`, {
        cause,
      });
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
      `Server cannot parse its input: ${excerpt(message.error)}`,
      message,
    );
  }
}

function checkGreeting(message: QMPMessage): QMPGreeting {
  const { QMP } = message;
  if (
    isObject(QMP) && isObject(QMP.version) && Array.isArray(QMP.capabilities)
  ) return message as QMPGreeting;
  throw new GreetingError(`Greeting is malformed: ${excerpt(message)}`);
}

function checkEvent(message: QMPMessage): QMPEvent {
  if (typeof message.event === "string") {
    return message as QMPMessage & QMPEvent;
  }
  throw new ProtocolError(`Event has no name: ${excerpt(message)}`);
}

/** The start of a value from the server, for an error. */
function excerpt(value: unknown): string {
  return printable(excerptOf(redact(value)));
}
