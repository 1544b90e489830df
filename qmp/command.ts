import { ParleyError } from "../protocol/errors.ts";
import type { WaitOptions } from "../transports/transport.ts";
import type { QMPCommand } from "./messages.ts";
import type {
  AnySchema,
  EmitParameters,
  EventName,
  QMPSchema,
} from "./schema.ts";
import type { EmitOptions, QMPSession } from "./session.ts";

/**
 * An error that a handler throws: the command is answered with its class and
 * description. An `ExecuteError` of a `QMPClient` is forwarded in the same way,
 * and any other error becomes a `GenericError`.
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

/** A `QMPServer`, as its handlers see it. */
export interface CommandServer<S extends QMPSchema = AnySchema> {
  /** The sessions that have begun and not ended. */
  readonly sessions: ReadonlySet<QMPSession<S>>;
  /** Sends an event to every client that has negotiated. */
  emit<N extends EventName<S>>(
    name: N,
    ...data: EmitParameters<S, N, EmitOptions>
  ): Promise<void>;
  /** Ends in order. A handler must not await this, because it waits for the handler. */
  close(options?: WaitOptions): Promise<void>;
}

/** The second argument of a handler. */
export interface CommandContext<S extends QMPSchema = AnySchema> {
  /** The server that the command was sent to. */
  readonly server: CommandServer<S>;
  /** The session of the client that sent it. */
  readonly session: QMPSession<S>;
  /** The command as it was received. */
  readonly message: QMPCommand;
  /**
   * Aborted when the client has half-closed, or the session has ended: the client
   * may no longer wait for the result.
   */
  readonly signal: AbortSignal;
}

/**
 * Executes a command. It returns the result, or a promise of it; `undefined`
 * becomes an empty object. In a session, an in-band command begins when the
 * command before it is answered. An out-of-band command begins at once.
 */
export type CommandHandler<A, R, S extends QMPSchema = AnySchema> = (
  args: A,
  context: CommandContext<S>,
) => R | void | Promise<R | void>;

/** A command with a description of its arguments and its result. */
export interface CommandDefinition<A, R, S extends QMPSchema = AnySchema> {
  /** Executes the command. */
  run: CommandHandler<A, R, S>;
  /**
   * The arguments' types, by name. Other arguments are refused before the command runs.
   * The name of an optional argument ends in `?`. If `arguments` is
   * not given, any arguments are allowed.
   *
   * @default {undefined}
   */
  arguments?: QMPMembers | undefined;
  /**
   * The result's type. It is not checked.
   *
   * @default {"any"}
   */
  returns?: QMPType | undefined;
  /**
   * Whether the command may be executed out of band.
   *
   * @default {false}
   */
  oob?: boolean | undefined;
}

/** A type of QMP: a basic type, an array of one type, or an object. */
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
