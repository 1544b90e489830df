import { isObject } from "../_wire/client_codec.ts";
import { CommandError } from "../command.ts";
import type { QMPCommand } from "../messages.ts";

/** A command as a server sees it. */
export interface CommandRequest {
  readonly command: string;
  readonly args: Record<string, unknown>;
  readonly outOfBand: boolean;
  readonly message: QMPCommand;
}

const MEMBERS = ["execute", "exec-oob", "arguments", "id", "control"];

/**
 * Makes a request of a message.
 *
 * @throws {CommandError} It is none; QEMU says so in the same words.
 */
export function parseRequest(message: unknown, oob: boolean): CommandRequest {
  if (!isObject(message)) refuse("QMP input must be a JSON object");
  const outOfBand = oob && "exec-oob" in message;
  const key = outOfBand ? "exec-oob" : "execute";
  const { [key]: command, arguments: args = {} } = message;
  for (const member of Object.keys(message)) {
    const other = outOfBand ? "execute" : "exec-oob";
    if (member === other || !MEMBERS.includes(member)) {
      refuse(`QMP input member '${member}' is unexpected`);
    }
  }
  if (command === undefined) refuse(`QMP input lacks member '${key}'`);
  if (typeof command !== "string") {
    refuse(`QMP input member '${key}' must be a string`);
  }
  if (!isObject(args)) refuse("QMP input member 'arguments' must be an object");
  return { command, args, outOfBand, message };
}

function refuse(description: string): never {
  throw new CommandError("GenericError", description);
}
