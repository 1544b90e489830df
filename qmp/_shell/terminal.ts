import process from "node:process";
import readline from "node:readline";
import type { Dialect } from "./dialect.ts";
import type { Sink } from "./output.ts";

/** Options of a terminal. */
export interface TerminalOptions {
  /** The lines of earlier shells, the latest first. */
  history: string[];
  complete: Dialect["complete"];
  onInterrupt: () => void;
}

/** Lines that are edited in a terminal, and texts above the edited line. */
export class Terminal implements Sink, Disposable {
  readonly #interface: readline.Interface;
  #closed = false;
  /** The lines that are entered, until Ctrl-D or `close()`. */
  readonly lines: ReadableStream<string>;

  constructor({ history, complete, onInterrupt }: TerminalOptions) {
    const typed = this.#interface = readline.createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      prompt: "",
      history,
      historySize: history.length + 1000,
      removeHistoryDuplicates: true,
      completer: complete,
    });
    this.lines = new ReadableStream({
      start(controller) {
        typed.on("line", (line) => controller.enqueue(line));
        typed.on("close", () => controller.close());
      },
      cancel: () => void typed.removeAllListeners(),
    });
    typed.on("SIGINT", onInterrupt);
  }

  /** Asks for a line, which begins with the text typed already. */
  prompt(prompt: string): void {
    if (this.#closed) return;
    this.#interface.setPrompt(prompt);
    this.#interface.prompt(true);
  }

  /** Shows no prompt for the time being. */
  rest(): void {
    this.#interface.setPrompt("");
  }

  out(text: string): void {
    if (this.#closed) return;
    const { rows } = this.#interface.getCursorPos();
    readline.moveCursor(process.stdout, 0, -rows);
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    // readline draws the line again from so many rows above. After characters
    // two columns wide it has not counted all rows of the line.
    Object.assign(this.#interface, { prevRows: rows });
    process.stdout.write(`${text}\n${"\n".repeat(rows)}`);
    this.#interface.prompt(true);
  }

  err(text: string): void {
    this.out(text);
  }

  /** Ends the edited line, and with it all lines. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.stdout.write("\n");
    this.#interface.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
