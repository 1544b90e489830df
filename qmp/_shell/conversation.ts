import { ExecuteError } from "../errors.ts";
import type { Dialect } from "./dialect.ts";
import type { Output } from "./output.ts";
import type { Partner } from "./partner.ts";
import { LineError } from "./words.ts";

/** Executes lines, and shows their results. */
export class Conversation {
  readonly #partner: Partner;
  readonly #dialect: Dialect;
  readonly #output: Output;

  constructor(partner: Partner, dialect: Dialect, output: Output) {
    this.#partner = partner;
    this.#dialect = dialect;
    this.#output = output;
  }

  /**
   * Executes a line, and shows the result; returns false if the command fails.
   *
   * @throws {LineError} The line is not a command.
   * @throws {ParleyError} There is no answer.
   * @throws The signal's reason, when it is aborted.
   */
  async execute(line: string, signal?: AbortSignal): Promise<boolean> {
    const command = this.#dialect.read(line);
    if (!command) return true;
    try {
      const result = await this.#partner.execute(command, signal);
      return this.#show(result);
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
   * Executes lines up to the first command that fails; returns false if one fails.
   *
   * @throws {LineError} A line is not a command, or the last one ends within one.
   * @throws {ParleyError} There is no answer.
   * @throws The signal's reason, when it is aborted.
   */
  async executeAll(
    lines: Iterable<string> | AsyncIterable<string>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    for await (const line of lines) {
      signal?.throwIfAborted();
      if (!await this.execute(line, signal)) return false;
    }
    if (!this.#dialect.unfinished) return true;
    throw new LineError("Cannot execute the transaction: it is not closed");
  }

  /** Shows events as they arrive, until the session ends. */
  async showEvents(): Promise<void> {
    for await (const event of this.#partner.events) this.#output.event(event);
  }

  #show(result: unknown): boolean {
    const text = this.#dialect.textOf(result);
    if (text === undefined || !this.#dialect.isFailure(text)) {
      this.#output.result(result, text);
      return true;
    }
    this.#output.failure(text);
    return false;
  }
}
