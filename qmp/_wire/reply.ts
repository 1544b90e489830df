import { printable } from "../../protocol/_util/printable.ts";
import { BadReplyError, ExecuteError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";
import { excerptOf, isObject } from "./client_codec.ts";
import { redactReply } from "./redact.ts";

/**
 * The result in the reply to a command.
 *
 * @throws {ExecuteError} The reply is an error.
 * @throws {BadReplyError} The reply is neither a result nor an error.
 */
export function resultOf(reply: QMPMessage, sent: QMPMessage): unknown {
  const { error } = reply;
  if (error === undefined && "return" in reply) return reply.return;
  if (!isObject(error)) {
    throw badReply("neither a result nor an error", reply, sent);
  }
  const { class: errorClass, desc } = error;
  if (typeof errorClass !== "string" || typeof desc !== "string") {
    throw badReply("an error without class or desc", reply, sent);
  }
  throw new ExecuteError(errorClass, desc, sent, reply);
}

function badReply(
  what: string,
  reply: QMPMessage,
  sent: QMPMessage,
): BadReplyError {
  const excerpt = printable(excerptOf(redactReply(reply, sent)));
  return new BadReplyError(`Reply has ${what}: ${excerpt}`, sent, reply);
}
