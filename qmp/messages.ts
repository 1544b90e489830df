/** A JSON object, as it is sent or received. */
export interface QMPMessage {
  /** Members by name. */
  [member: string]: unknown;
}

/** What a server says first. */
export interface QMPGreeting extends QMPMessage {
  /** What it is and what it can do. */
  readonly QMP: {
    /** The server's version. */
    readonly version: {
      /** The version of QEMU, by its three numbers. */
      readonly qemu: {
        readonly major: number;
        readonly minor: number;
        readonly micro: number;
      };
      /** What the packager adds to it; may be empty. */
      readonly package: string;
    };
    /** The capabilities that may be enabled, such as `oob`. */
    readonly capabilities: readonly string[];
  };
}

/** A command as a whole message: either `execute` or `exec-oob` names it. */
export interface QMPCommand {
  /** The command's name. */
  readonly execute?: string;
  /** The command's name, where it is executed out of band. */
  readonly "exec-oob"?: string;
  /** The command's arguments. */
  readonly arguments?: object;
  /** Comes back with the reply. */
  readonly id?: string | number;
}

/** Something that happened at the server, told without being asked for. */
export interface QMPEvent<
  Name extends string = string,
  Data = Record<string, unknown> | undefined,
> {
  /** What happened, such as `STOP`. */
  readonly event: Name;
  /** What there is to know about it. */
  readonly data: Data;
  /** When it happened, as the server's clock says. */
  readonly timestamp: {
    /** Seconds since the epoch; -1 where the server does not know. */
    readonly seconds: number;
    /** Microseconds within the second. */
    readonly microseconds: number;
  };
}

/** An integer: a `bigint` if a number would not be exact. */
export type QMPInteger = number | bigint;

/** A value that only a newer server has, beside the known values of a type. */
export type QMPOther = string & Record<never, never>;
