import type {
  CommandOwner,
  PendingCommand,
  PendingCommands,
} from "./pending_commands.ts";
import { excerptOf, isObject } from "../_wire/client_codec.ts";
import { redactReply } from "../_wire/redact.ts";
import { BadReplyError, ExecuteError } from "../errors.ts";
import type { QMPCommand, QMPMessage } from "../messages.ts";

/** What an execution is to heed. */
export interface CommandExecutionOptions {
  signal?: AbortSignal | undefined;
  onSent?: (() => void) | undefined;
}

/** A command whose caller waits for its result. */
export class CommandExecution implements CommandOwner {
  readonly #calls: PendingCommands;
  readonly #options: CommandExecutionOptions;
  readonly #result = Promise.withResolvers<unknown>();
  readonly #abort: (() => void) | undefined;
  #call: PendingCommand | undefined;

  /** @throws {TypeError} The command cannot be sent. */
  constructor(
    calls: PendingCommands,
    command: QMPCommand,
    options: CommandExecutionOptions,
  ) {
    this.#calls = calls;
    this.#options = options;
    if (options.signal) {
      this.#abort = () => this.#onAbort(options.signal?.reason);
      options.signal.addEventListener("abort", this.#abort, { once: true });
    }
    try {
      this.#call = calls.start(command, this);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  get result(): Promise<unknown> {
    return this.#result.promise;
  }

  onSent(): void {
    try {
      this.#options.onSent?.();
    } catch (error) {
      this.onFailed(error);
    }
  }

  onReply(reply: QMPMessage, sent: QMPMessage): void {
    this.#release();
    try {
      this.#result.resolve(resultOf(reply, sent));
    } catch (error) {
      this.#result.reject(error);
    }
  }

  onFailed(error: unknown): void {
    this.#release();
    // It may come before its caller has begun to wait.
    this.#result.promise.catch(() => {});
    this.#result.reject(error);
  }

  #onAbort(reason: unknown): void {
    if (this.#call) this.#calls.abandon(this.#call);
    this.onFailed(reason);
  }

  #release(): void {
    if (!this.#abort) return;
    this.#options.signal?.removeEventListener("abort", this.#abort);
  }
}

/** What a reply says of a command: its result, or an error that is thrown. */
export function resultOf(reply: QMPMessage, sent: QMPMessage): unknown {
  const { error } = reply;
  if (error === undefined && "return" in reply) return reply.return;
  if (!isObject(error)) {
    throw new BadReplyError(
      `Reply has neither a result nor an error: ${
        excerptOf(redactReply(reply, sent))
      }`,
      sent,
      reply,
    );
  }
  const { class: errorClass, desc } = error;
  if (typeof errorClass !== "string" || typeof desc !== "string") {
    throw new BadReplyError(
      `Reply has an error without class or desc: ${
        excerptOf(redactReply(reply, sent))
      }`,
      sent,
      reply,
    );
  }
  throw new ExecuteError(errorClass, desc, sent, reply);
}

/** The name of a command, where it has one. */
export function nameOf(command: QMPCommand): string | undefined {
  return command.execute ?? command["exec-oob"];
}
