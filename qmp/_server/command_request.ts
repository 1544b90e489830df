import { isObject } from "../_wire/client_codec.ts";
import { CommandError } from "../command.ts";
import type { QMPCommand, QMPMessage } from "../messages.ts";

/** A command as a server sees it. */
export interface CommandRequest {
  readonly command: string;
  readonly args: QMPMessage;
  readonly outOfBand: boolean;
  readonly message: QMPCommand;
}

/**
 * Makes a request from a message.
 *
 * @param oob Whether commands out of band are enabled.
 * @throws {CommandError} The message is not a command. QEMU uses the same words.
 */
export function parseRequest(message: unknown, oob: boolean): CommandRequest {
  if (!isObject(message)) refuse("QMP input must be a JSON object");
  let command: string | undefined;
  let args: QMPMessage = {};
  for (const member of Object.keys(message)) {
    const value = message[member];
    if (member === "execute" || member === "exec-oob" && oob) {
      if (typeof value !== "string") {
        refuse(`QMP input member '${member}' must be a string`);
      }
      if (command !== undefined) {
        refuse("QMP input member 'execute' clashes with 'exec-oob'");
      }
      command = value;
    } else if (member === "arguments") {
      if (!isObject(value)) {
        refuse("QMP input member 'arguments' must be an object");
      }
      args = value;
    } else if (member !== "id") {
      refuse(`QMP input member '${member}' is unexpected`);
    }
  }
  if (command === undefined) refuse("QMP input lacks member 'execute'");
  return { command, args, outOfBand: isOutOfBand(message), message };
}

/** Whether a message is answered out of band, if that is enabled. */
export function isOutOfBand(message: unknown): boolean {
  return isObject(message) && Object.hasOwn(message, "exec-oob") &&
    !Object.hasOwn(message, "execute");
}

function refuse(description: string): never {
  throw new CommandError("GenericError", description);
}
