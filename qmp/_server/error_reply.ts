import { messageOf } from "../_wire/failure.ts";
import { CommandError } from "../command.ts";
import { ExecuteError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";

/** Whether an error is thrown for the client, and not a failure of ours. */
export function isForClient(
  error: unknown,
): error is CommandError | ExecuteError {
  return error instanceof CommandError || error instanceof ExecuteError;
}

/** The answer to a command whose handler has thrown an error. */
export function errorReply(error: unknown): QMPMessage {
  if (!isForClient(error)) {
    return { error: { class: "GenericError", desc: messageOf(error) } };
  }
  const { errorClass } = error;
  const desc = error instanceof ExecuteError
    ? error.description
    : error.message;
  return { error: { class: errorClass, desc } };
}
