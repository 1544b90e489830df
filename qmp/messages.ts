/** A JSON object, as it is sent or received. */
export interface QMPMessage {
  /** Members by name. */
  [member: string]: unknown;
}

/** The first message of a server. */
export interface QMPGreeting extends QMPMessage {
  /** The server's version and capabilities. */
  readonly QMP: {
    /** The server's version. */
    readonly version: {
      /** The version of QEMU, by its three numbers. */
      readonly qemu: {
        readonly major: number;
        readonly minor: number;
        readonly micro: number;
      };
      /** The packager's addition to the version; may be empty. */
      readonly package: string;
    };
    /** The capabilities that may be enabled, such as `oob`. */
    readonly capabilities: readonly string[];
  };
}

/** A command as a whole message: either `execute` or `exec-oob` names it. */
export interface QMPCommand {
  /** The command's name. */
  readonly execute?: string | undefined;
  /** The command's name, if it is executed out of band. */
  readonly "exec-oob"?: string | undefined;
  /** The command's arguments. */
  readonly arguments?: object | undefined;
  /** The id that the reply repeats. */
  readonly id?: string | number | undefined;
}

/** A message that a server sends without a command. */
export interface QMPEvent<
  Name extends string = string,
  Data = Record<string, unknown> | undefined,
> {
  /** The event's name, such as `STOP`. */
  readonly event: Name;
  /** The event's data, if it has any. */
  readonly data: Data;
  /** The time of the event, by the server's clock. */
  readonly timestamp: {
    /** Seconds since the epoch; -1 if the server does not know the time. */
    readonly seconds: number;
    /** Microseconds within the second. */
    readonly microseconds: number;
  };
}

/** An integer: a `bigint` if a number would not be exact. */
export type QMPInteger = number | bigint;

/** A value of a newer server, in addition to the known values of a type. */
export type QMPOther = string & Record<never, never>;
