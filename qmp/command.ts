import { ParleyError } from "../protocol/errors.ts";
import type { QMPCommand } from "./messages.ts";
import type { AnySchema, QMPSchema } from "./schema.ts";
import type { QMPServer } from "./server.ts";
import type { QMPSession } from "./session.ts";

/**
 * What a handler throws to have a command answered with an error of this class
 * and description. Whatever else is thrown becomes a `GenericError`.
 */
export class CommandError extends ParleyError {
  /** The class of the error, such as `DeviceNotFound`. */
  readonly errorClass: string;

  /** Takes the class beside the description. */
  constructor(errorClass: string, description: string, options?: ErrorOptions) {
    super(description, options);
    this.errorClass = errorClass;
  }
}

/** What a handler is told beside the arguments. */
export interface CommandContext<S extends QMPSchema = AnySchema> {
  /** The server that the command was sent to. */
  readonly server: QMPServer<S>;
  /** The session of the client that sent it. */
  readonly session: QMPSession<S>;
  /** The command as it was received. */
  readonly message: QMPCommand;
  /**
   * Aborted when the client has ended writing, or the session has ended, so that
   * nobody may wait for the result.
   */
  readonly signal: AbortSignal;
}

/**
 * Executes a command: what it returns, or resolves with, is the result, and an
 * empty object where that is `undefined`. Of one session, a command in band
 * begins when the one before has been answered; one out of band begins at once.
 */
export type CommandHandler<A, R, S extends QMPSchema = AnySchema> = (
  args: A,
  context: CommandContext<S>,
) => R | void | Promise<R | void>;

/** A command with what there is to know about it. */
export interface CommandDefinition<A, R, S extends QMPSchema = AnySchema> {
  /** Executes the command. */
  run: CommandHandler<A, R, S>;
  /**
   * The arguments' types, by name; others are refused before the command is run.
   * The name of one that may be missing ends in `?`. Without it any are allowed.
   *
   * @default {undefined}
   */
  arguments?: QMPMembers;
  /**
   * The result's type. It is not checked.
   *
   * @default {"any"}
   */
  returns?: QMPType;
  /**
   * Whether the command may be executed out of band.
   *
   * @default {false}
   */
  oob?: boolean;
}

/** A type as QMP knows it: a basic one, an array of one, or an object. */
export type QMPType =
  | "str"
  | "int"
  | "number"
  | "bool"
  | "null"
  | "any"
  | readonly [QMPType]
  | QMPMembers;

/** The members of an object; the name of an optional one ends in `?`. */
export interface QMPMembers {
  /** Types by name. */
  readonly [name: string]: QMPType;
}
