import { printable } from "../protocol/_util/printable.ts";
import {
  CallInterruptedError,
  ParleyError,
  ProtocolError,
} from "../protocol/errors.ts";
import { commandName, fateOf } from "./_wire/command_name.ts";
import { messageOf } from "./_wire/failure.ts";
import type { QMPMessage } from "./messages.ts";

/**
 * The server sent no greeting, sent none in time, or sent too many. It is the
 * cause of a `ConnectError`, or ends the session.
 *
 * The errors of QMP, in addition to the errors of every protocol:
 *
 * ```
 * ParleyError
 * ├── GreetingError         handshake: no greeting
 * ├── NegotiationError      handshake: no agreement on capabilities
 * ├── ExecuteError          the server refused a command
 * ├── JobError              a job failed, was cancelled, or is unknown
 * ├── CallError             a command without a reply
 * │   ├── CallTimeoutError      the command's own deadline has passed
 * │   └── CallInterruptedError
 * │       └── ExecInterruptedError  the session ended before the reply
 * └── ProtocolError         the server broke the rules
 *     ├── BadReplyError       in one reply: the session goes on
 *     └── ServerParseError    the server could not parse what it read
 * ```
 *
 * The text of a peer is escaped in messages, so that it cannot act on a terminal
 * or forge a log line.
 */
export class GreetingError extends ParleyError {}

/**
 * The server did not agree on capabilities, or not in time. It is the cause of
 * a `ConnectError`, or ends the session.
 */
export class NegotiationError extends ParleyError {}

/** The server answered a command with an error. */
export class ExecuteError extends ParleyError {
  /** The error's class as the server gives it, such as `CommandNotFound`. */
  readonly errorClass: string;
  /** The server's text for people, as it was received. */
  readonly description: string;
  readonly #sent: QMPMessage;
  /** The whole reply. */
  readonly received: QMPMessage;

  /** Takes the command and the reply beside the two members of the error. */
  constructor(
    errorClass: string,
    description: string,
    sent: QMPMessage,
    received: QMPMessage,
    options?: ErrorOptions,
  ) {
    super(
      printable(
        `Cannot execute ${commandName(sent)}: ${description} (${errorClass})`,
      ),
      options,
    );
    this.errorClass = errorClass;
    this.description = description;
    this.#sent = sent;
    this.received = received;
  }

  /** The command as it was sent; inspection leaves it out, for its secrets. */
  get sent(): QMPMessage {
    return this.#sent;
  }
}

/**
 * The session ended before the reply to a command; `cause` is the first cause of
 * the session's end.
 */
export class ExecInterruptedError extends CallInterruptedError {
  /** Takes the command, and whether it was sent, so that it may have run. */
  constructor(command: QMPMessage, sent: boolean, options?: ErrorOptions) {
    const cause = printable(messageOf(options?.cause));
    super(`Cannot execute ${fateOf(command, sent)}: ${cause}`, {
      ...options,
      method: commandName(command),
      sent,
    });
  }
}

/** A job ended without having done its work. */
export class JobError extends ParleyError {
  /** The job's id. */
  readonly id: string;
  /** The server's text for people; `undefined` if the job was cancelled. */
  readonly description: string | undefined;

  /** Takes the job's id, and the server's text if the job has failed. */
  constructor(id: string, description?: string, options?: ErrorOptions) {
    super(
      printable(
        description === undefined
          ? `Job ${id} was cancelled`
          : `Job ${id} failed: ${description}`,
      ),
      options,
    );
    this.id = id;
    this.description = description;
  }
}

/**
 * A reply that is neither a result nor an error, or a guest agent's reply that is
 * too large or is not JSON, as `cause` says. The session goes on.
 */
export class BadReplyError extends ProtocolError {
  readonly #sent: QMPMessage;
  readonly #received: QMPMessage | undefined;

  /** Takes the command and the reply beside the message. */
  constructor(
    message: string,
    sent: QMPMessage,
    received: QMPMessage | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.#sent = sent;
    this.#received = received;
  }

  /** The command as it was sent; inspection leaves it out, for its secrets. */
  get sent(): QMPMessage {
    return this.#sent;
  }

  /**
   * The whole reply, if it could be read; inspection leaves it out, for its
   * secrets.
   */
  get received(): QMPMessage | undefined {
    return this.#received;
  }
}

/**
 * The server could not parse its input, so it is unknown which command failed. It
 * ends the session.
 */
export class ServerParseError extends ProtocolError {
  /** The server's whole message. */
  readonly received: QMPMessage;

  /** Takes the server's message beside the error's. */
  constructor(message: string, received: QMPMessage, options?: ErrorOptions) {
    super(message, options);
    this.received = received;
  }
}
