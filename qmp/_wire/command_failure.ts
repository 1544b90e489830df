import {
  CallInterruptedError,
  CallTimeoutError,
} from "../../protocol/errors.ts";
import { ExecInterruptedError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";
import { fateOf } from "./command_name.ts";

/** The limits of a command. */
interface Limits {
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The error of a call without a reply, as the error of a command. */
export function commandFailure(
  error: unknown,
  message: QMPMessage,
  { timeout, signal }: Limits,
): unknown {
  if (signal?.aborted && error === signal.reason) return error;
  if (error instanceof CallInterruptedError) {
    const { sent, cause } = error;
    return new ExecInterruptedError(message, sent, { cause });
  }
  if (error instanceof CallTimeoutError) {
    const { method, sent } = error;
    return new CallTimeoutError(
      `Cannot execute ${fateOf(message, sent)}: no reply within ${timeout} ms`,
      { method, sent },
    );
  }
  return error;
}
