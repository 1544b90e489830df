import type { QMPEvent } from "./messages.ts";

/** The types of a server's commands and events. */
export interface QMPSchema {
  /** `{ arguments, returns }` of each command, by its name. */
  commands: object;
  /** The data of each event, by its name. */
  events: object;
}

/** Any command and any event: the schema if none is given. */
export interface AnySchema extends QMPSchema {
  /** Any command, with any arguments and any result. */
  commands: { [name: string]: { arguments: object; returns: unknown } };
  /** Any event, with any data or without data. */
  events: { [name: string]: Record<string, unknown> | undefined };
}

/** The names of a schema's commands. */
export type CommandName<S extends QMPSchema> = keyof S["commands"] & string;

/** The arguments of a schema's command. */
export type CommandArguments<S extends QMPSchema, C extends CommandName<S>> =
  S["commands"][C] extends { arguments: infer A extends object } ? A
    : object;

/** The result of a schema's command. */
export type CommandResult<S extends QMPSchema, C extends CommandName<S>> =
  S["commands"][C] extends { returns: infer R } ? R : unknown;

/** The arguments of `execute()` after the command's name. */
export type ExecuteParameters<
  S extends QMPSchema,
  C extends CommandName<S>,
  Options,
> = Record<never, never> extends CommandArguments<S, C>
  ? [args?: CommandArguments<S, C>, options?: Options]
  : [args: CommandArguments<S, C>, options?: Options];

/** The names of a schema's events. */
export type EventName<S extends QMPSchema> = keyof S["events"] & string;

/** A schema's event with one of these names. */
export type EventOf<S extends QMPSchema, N extends EventName<S>> = {
  [Name in N]: QMPEvent<Name, S["events"][Name]>;
}[N];

/** The arguments that a handler of a schema's command gets. */
export type HandlerArguments<S extends QMPSchema, C extends CommandName<S>> =
  object extends CommandArguments<S, C> ? Record<string, unknown>
    : CommandArguments<S, C>;

/** The arguments of `emit()` after the event's name. */
export type EmitParameters<
  S extends QMPSchema,
  N extends EventName<S>,
  Options,
> = undefined extends S["events"][N]
  ? [data?: S["events"][N], options?: Options]
  : [data: S["events"][N], options?: Options];
