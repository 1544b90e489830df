import type { QMPCommand } from "../messages.ts";

/** A language that commands are typed in. */
export interface Dialect {
  /** The text before a line that is typed. */
  readonly prompt: string;
  /** The answer to the line `help`, if it is not a command of the server. */
  readonly help: string | undefined;
  /** Whether the lines read so far end within a command. */
  readonly unfinished: boolean;
  /**
   * The command on a line, or none if the line has none or more lines are to
   * come.
   *
   * @throws {LineError} The line is not a command.
   */
  read(line: string): QMPCommand | undefined;
  /** The words that the last word of a line can become, and that word. */
  complete(line: string): [candidates: string[], word: string];
  /** The text of a result, if the result is text for people. */
  textOf(result: unknown): string | undefined;
  /** Whether a text says that its command has failed. */
  isFailure(text: string): boolean;
}
