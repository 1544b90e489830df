import type { QMPCommand } from "../messages.ts";

/** A syntax of typed commands. */
export interface Dialect {
  /** The prompt. */
  readonly prompt: string;
  /** The answer to the line `help`, if it is not a command of the server. */
  readonly help: string | undefined;
  /** Whether the lines read so far end within a command. */
  readonly unfinished: boolean;
  /**
   * The command on a line, or `undefined` if the line has no command or the
   * command needs more lines.
   *
   * @throws {LineError} The line is not a command.
   */
  read(line: string): QMPCommand | undefined;
  /** The completions of the last word of a line, and this word. */
  complete(line: string): [candidates: string[], word: string];
  /** The text of a result, if the result is plain text. */
  textOf(result: unknown): string | undefined;
  /** Whether a text says that its command has failed. */
  isFailure(text: string): boolean;
}
