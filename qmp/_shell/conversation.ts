import type { QMPClient } from "../client.ts";
import { ExecuteError } from "../errors.ts";
import type { Dialect } from "./dialect.ts";
import type { Output } from "./output.ts";
import { LineError } from "./words.ts";

/** Lines that are executed, and what comes of them. */
export class Conversation {
  readonly #client: QMPClient;
  readonly #dialect: Dialect;
  readonly #output: Output;

  constructor(client: QMPClient, dialect: Dialect, output: Output) {
    this.#client = client;
    this.#dialect = dialect;
    this.#output = output;
  }

  /**
   * Executes a line, and shows what comes of it; false where the server refuses.
   *
   * @throws {LineError} The line is no command.
   * @throws {ParleyError} There is no answer.
   * @throws The signal's reason, when it is aborted.
   */
  async execute(line: string, signal?: AbortSignal): Promise<boolean> {
    const command = this.#dialect.read(line);
    if (!command) return true;
    try {
      const result = await this.#client.executeMessage(command, { signal });
      this.#output.result(result, this.#dialect.textOf(result));
      return true;
    } catch (error) {
      if (error instanceof TypeError) {
        throw new LineError(error.message, { cause: error });
      }
      if (!(error instanceof ExecuteError)) throw error;
      this.#output.refusal(error);
      return false;
    }
  }

  /**
   * Executes lines up to the first that the server refuses; false where it has
   * refused one.
   *
   * @throws {LineError} A line is no command, or the last one ends within one.
   * @throws {ParleyError} There is no answer.
   */
  async executeAll(
    lines: Iterable<string> | AsyncIterable<string>,
  ): Promise<boolean> {
    for await (const line of lines) {
      if (!await this.execute(line)) return false;
    }
    if (!this.#dialect.unfinished) return true;
    throw new LineError("Transaction is not closed");
  }

  /** Shows events as they come, until the session ends. */
  async showEvents(): Promise<void> {
    for await (const event of this.#client.events) this.#output.event(event);
  }
}
