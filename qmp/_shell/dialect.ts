import type { QMPCommand } from "../messages.ts";

/** A language that commands are typed in. */
export interface Dialect {
  /** What a line begins with. */
  readonly prompt: string;
  /**
   * What a line says is to be executed; nothing where more lines are to come.
   *
   * @throws {LineError} The line is no command.
   */
  read(line: string): QMPCommand | undefined;
  /** What the last word of a line can become, and that word. */
  complete(line: string): [candidates: string[], word: string];
  /** A result, where it is text to be shown as it is. */
  textOf(result: unknown): string | undefined;
  /** Whether the lines end within a command. */
  readonly unfinished: boolean;
}
