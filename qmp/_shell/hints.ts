import { DecodeError } from "../../protocol/errors.ts";
import { GreetingError, NegotiationError } from "../errors.ts";
import { isTimeout } from "../_wire/failure.ts";

/** A hint after a failure to connect, if a likely reason is known. */
export function hintFor(error: unknown, agent: boolean): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (
      cause instanceof DecodeError && /^"QEMU .* monitor/.test(cause.excerpt)
    ) {
      return "This is a human monitor: the shell talks to it through a QMP socket, by --hmp";
    }
    if (cause instanceof GreetingError && isTimeout(cause.cause)) {
      return "If this is the socket of a guest agent, use --agent";
    }
    if (agent && cause instanceof NegotiationError) {
      return "If this is a QMP server, such as QEMU, leave out --agent";
    }
  }
  return undefined;
}
