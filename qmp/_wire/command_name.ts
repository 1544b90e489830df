import { printable } from "../../protocol/_util/printable.ts";

/** The members of a message that may name a command. */
interface Named {
  readonly execute?: unknown;
  readonly "exec-oob"?: unknown;
}

/** The name of a command, if the message has one. */
export function commandName(command: Named): string | undefined {
  const name = command.execute ?? command["exec-oob"];
  return typeof name === "string" ? name : undefined;
}

/** A command in an error message: its name, and whether it may have run. */
export function fateOf(command: Named, sent: boolean): string {
  const name = printable(String(commandName(command)));
  return `${name}, which ${sent ? "may have run" : "was never sent"}`;
}
