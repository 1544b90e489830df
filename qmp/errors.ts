import { ParleyError, ProtocolError } from "../protocol/errors.ts";
import { messageOf } from "./_wire/failure.ts";
import type { QMPMessage } from "./messages.ts";

/**
 * The server gave no greeting, or none in time. It is the cause of a
 * `ConnectError`.
 *
 * The errors of QMP, beside those of every protocol:
 *
 * ```
 * ParleyError
 * ├── GreetingError         the handshake: no greeting
 * ├── NegotiationError      the handshake: no agreement on capabilities
 * ├── ExecuteError          the server refused a command
 * ├── ExecInterruptedError  the session ended before a command's reply
 * ├── JobError              a job failed, or was cancelled
 * └── ProtocolError         the server broke the rules
 *     ├── BadReplyError       for one command: the session lives
 *     └── ServerParseError    the server did not understand what it read
 * ```
 */
export class GreetingError extends ParleyError {}

/**
 * The server did not agree on capabilities, or not in time. It is the cause of
 * a `ConnectError`.
 */
export class NegotiationError extends ParleyError {}

/** The server answered a command with an error. */
export class ExecuteError extends ParleyError {
  /** The class that the server gives, such as `CommandNotFound`. */
  readonly errorClass: string;
  /** What the server says, for people to read. */
  readonly description: string;
  readonly #sent: QMPMessage;
  /** The whole reply. */
  readonly received: QMPMessage;

  /** Takes what was sent and received beside what is in the reply's error. */
  constructor(
    errorClass: string,
    description: string,
    sent: QMPMessage,
    received: QMPMessage,
    options?: ErrorOptions,
  ) {
    super(
      `Cannot execute ${nameOf(sent)}: ${description} (${errorClass})`,
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

/** The session ended before a command was answered; `cause` is its first cause. */
export class ExecInterruptedError extends ParleyError {
  /** Whether the command was sent, so that it may have run; if not, it has not. */
  readonly sent: boolean;

  /** Takes the command, and whether it was sent. */
  constructor(command: QMPMessage, sent: boolean, options?: ErrorOptions) {
    const fate = sent ? "may have run" : "was never sent";
    const why = messageOf(options?.cause);
    super(`Cannot execute ${nameOf(command)}, which ${fate}: ${why}`, options);
    this.sent = sent;
  }
}

/** A job ended without having done its work. */
export class JobError extends ParleyError {
  /** The job's id. */
  readonly id: string;
  /** What the server says, for people to read; without it the job was cancelled. */
  readonly description: string | undefined;

  /** Takes the job's id, and what the server says where the job has failed. */
  constructor(id: string, description?: string, options?: ErrorOptions) {
    super(
      description === undefined
        ? `Job ${id} was cancelled`
        : `Job ${id} failed: ${description}`,
      options,
    );
    this.id = id;
    this.description = description;
  }
}

/** A reply that is neither a result nor an error. The session goes on. */
export class BadReplyError extends ProtocolError {
  readonly #sent: QMPMessage;
  readonly #received: QMPMessage;

  /** Takes what was sent and received beside the message. */
  constructor(
    message: string,
    sent: QMPMessage,
    received: QMPMessage,
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

  /** The whole reply; inspection leaves it out, for its secrets. */
  get received(): QMPMessage {
    return this.#received;
  }
}

/**
 * The server answered something that it could not parse, so that it is unknown
 * which command it was. It ends the session.
 */
export class ServerParseError extends ProtocolError {
  /** The whole message. */
  readonly received: QMPMessage;

  /** Takes the server's message beside ours. */
  constructor(message: string, received: QMPMessage, options?: ErrorOptions) {
    super(message, options);
    this.received = received;
  }
}

function nameOf(command: QMPMessage): unknown {
  return command.execute ?? command["exec-oob"];
}
