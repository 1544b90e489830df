import type { QMPCommand } from "../messages.ts";
import { parseLine, parseMessage } from "./command_line.ts";
import { completions } from "./completions.ts";
import type { Dialect } from "./dialect.ts";
import type { Guide } from "./guide.ts";
import { LINES } from "./usage.ts";
import { LineError } from "./words.ts";

/** The start of a transaction, with its first action or without. */
const TRANSACTION = /^\s*transaction\((.*)$/s;

/** An action of a transaction. */
interface Action {
  type: string;
  data: object;
}

/** QMP's commands with `key=value`, transactions, and whole messages. */
export class QMPDialect implements Dialect {
  readonly #guide: Guide;
  /** The actions of the open transaction, if there is one. */
  #actions: Action[] | undefined;

  constructor(guide: Guide) {
    this.#guide = guide;
  }

  /** The words that can stand first on a line. */
  get #commands(): readonly string[] {
    const { commands } = this.#guide;
    return commands.includes("transaction")
      ? [...commands, "transaction("]
      : commands;
  }

  get prompt(): string {
    return this.#actions ? "transaction> " : "qmp> ";
  }

  get help(): string | undefined {
    return this.#guide.commands.includes("help") ? undefined : LINES;
  }

  get unfinished(): boolean {
    return this.#actions !== undefined;
  }

  read(line: string): QMPCommand | undefined {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return undefined;
    if (this.#actions) return this.#readAction(this.#actions, text);
    const [, action] = TRANSACTION.exec(text) ?? [];
    if (action !== undefined) {
      this.#actions = [];
      return action.trim() === ""
        ? undefined
        : this.#readAction(this.#actions, action.trim());
    }
    if (text.startsWith("{")) return parseMessage(text);
    const { command, args } = parseLine(text, this.#guide, this.#typeOf);
    return Object.keys(args).length === 0
      ? { execute: command }
      : { execute: command, arguments: args };
  }

  complete(line: string): [candidates: string[], word: string] {
    const [, action] = TRANSACTION.exec(line) ?? [];
    return this.#actions || action !== undefined
      ? completions(action ?? line, this.#guide, {
        commands: [...this.#guide.actions, ")"],
        typeOf: this.#dataOf,
      })
      : completions(line, this.#guide, {
        commands: this.#commands,
        typeOf: this.#typeOf,
      });
  }

  textOf(): undefined {}

  isFailure(): boolean {
    return false;
  }

  #readAction(actions: Action[], text: string): QMPCommand | undefined {
    const [, action = text, end] = /^(.*?)\s*(?<!\S)(\))$/s.exec(text) ?? [];
    try {
      if (action !== "") {
        const { command, args } = parseLine(action, this.#guide, this.#dataOf);
        actions.push({ type: command, data: args });
      }
    } catch (error) {
      // Half of a transaction must not be executed.
      if (error instanceof LineError) this.#actions = undefined;
      throw error;
    }
    if (!end) return undefined;
    this.#actions = undefined;
    return { execute: "transaction", arguments: { actions } };
  }

  readonly #typeOf = (command: string) => this.#guide.argumentsOf(command);
  readonly #dataOf = (action: string) => this.#guide.dataOf(action);
}
