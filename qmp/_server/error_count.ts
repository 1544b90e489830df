import { ProtocolError } from "../../protocol/mod.ts";

/**
 * The number of messages that are not commands at which a session ends: before its
 * first command, and in all. Clients of other protocols send only a few lines
 * before a body, which may contain commands.
 */
const MAX_BEFORE_COMMAND = 5;
const MAX_IN_ALL = 100;

/** Counts the messages of a client that are not commands. */
export class ErrorCount {
  #errors = 0;
  #limit = MAX_BEFORE_COMMAND;

  /** Counts a command. */
  command(): void {
    this.#limit = MAX_IN_ALL;
  }

  /** Counts a message that is not a command. The error, if any, ends the session. */
  error(): ProtocolError | undefined {
    if (++this.#errors < this.#limit) return undefined;
    return new ProtocolError(
      `Client has sent too many messages that are not commands: ${this.#errors}, the limit is ${this.#limit}`,
    );
  }
}
