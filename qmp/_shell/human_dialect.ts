import type { QMPCommand } from "../messages.ts";
import type { Dialect } from "./dialect.ts";

/** The commands of QEMU's monitor for people, and text as their results. */
export class HumanDialect implements Dialect {
  readonly prompt = "(qemu) ";
  readonly unfinished = false;
  readonly #commands: readonly string[];

  /** Takes what the monitor answers to `help`. */
  constructor(help: string) {
    const names = help.split("\n").map((line) =>
      /^[^\s[]+/.exec(line)?.[0] ?? ""
    );
    this.#commands = names.flatMap((name) => name.split("|")).filter(Boolean);
  }

  read(line: string): QMPCommand | undefined {
    return line.trim() === "" ? undefined : humanCommand(line);
  }

  complete(line: string): [candidates: string[], word: string] {
    const word = /\S*$/.exec(line)?.[0] ?? "";
    const candidates = this.#commands.filter((name) => name.startsWith(word));
    // `help` and `info` are followed by the name of what they are about.
    const first = line.slice(0, line.length - word.length).trim();
    return [["", "help"].includes(first) ? candidates : [], word];
  }

  textOf(result: unknown): string | undefined {
    return typeof result === "string" ? result.trimEnd() : undefined;
  }
}

/** A command for the monitor for people, as QMP has it. */
export function humanCommand(line: string): QMPCommand {
  return {
    execute: "human-monitor-command",
    arguments: { "command-line": line.trim() },
  };
}
