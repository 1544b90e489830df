import type { QMPCommand } from "../messages.ts";
import { isTypeable } from "./completions.ts";
import type { Dialect } from "./dialect.ts";

/** Lines that occur anywhere in the text of a failure of QEMU's human monitor. */
const FAILURE = /^(Error[: ]|unknown command: |Try "help )/m;

/** Lines that begin or end the text of a failure, or are all its text. */
const FAILURE_LINE =
  /^(unknown |unexpected |[Ii]nvalid |Could not |Cannot |Failed to |Must )|^Device .* not found$/;

/** The commands of QEMU's human monitor, with text as their results. */
export class HumanDialect implements Dialect {
  readonly prompt = "(qemu) ";
  readonly help = undefined;
  readonly unfinished = false;
  readonly #commands: readonly string[];

  /** Takes the answer of the monitor to `help`. */
  constructor(help: string) {
    const names = help.split("\n").map((line) =>
      /^[^\s[]+/.exec(line)?.[0] ?? ""
    );
    this.#commands = names.flatMap((name) => name.split("|"))
      .filter(isTypeable);
  }

  read(line: string): QMPCommand | undefined {
    return line.trim() === "" ? undefined : humanCommand(line);
  }

  complete(line: string): [candidates: string[], word: string] {
    const word = /\S*$/.exec(line)?.[0] ?? "";
    const candidates = this.#commands.filter((name) => name.startsWith(word));
    // `help` is followed by the name of a command.
    const first = line.slice(0, line.length - word.length).trim();
    return [["", "help"].includes(first) ? candidates : [], word];
  }

  textOf(result: unknown): string | undefined {
    return typeof result === "string" ? result.trimEnd() : undefined;
  }

  /** The monitor replies with plain text: a failure is recognized by its wording. */
  isFailure(text: string): boolean {
    const lines = text.split(/\r?\n/);
    return FAILURE.test(text) ||
      FAILURE_LINE.test(lines[0] ?? "") ||
      FAILURE_LINE.test(lines.at(-1) ?? "");
  }
}

/** A command for the human monitor, as a QMP command. */
export function humanCommand(line: string): QMPCommand {
  return {
    execute: "human-monitor-command",
    arguments: { "command-line": line.trim() },
  };
}
