import { ProtocolError } from "../../protocol/mod.ts";

/**
 * A client sends so many messages that are not commands before its first
 * command at most, and so many in all. The first limit is for clients of other
 * protocols, which send few lines before what could be a command.
 */
const MAX_BEFORE_COMMAND = 5;
const MAX_IN_ALL = 100;

/** Counts the messages of a client that are not commands. */
export class ErrorCount {
  #errors = 0;
  #limit = MAX_BEFORE_COMMAND;

  /** Counts a message that is a command. */
  command(): void {
    this.#limit = MAX_IN_ALL;
  }

  /** Counts one that is not. What is returned ends the session. */
  error(): ProtocolError | undefined {
    if (++this.#errors < this.#limit) return undefined;
    return new ProtocolError(
      `Client sends messages that are not commands: ${this.#errors}, the limit is ${this.#limit}`,
    );
  }
}
