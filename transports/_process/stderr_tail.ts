/** How much is kept of the end of the output. */
const TAIL_CHARACTERS = 4 * 1024;
const TAIL_LINES = 10;

/**
 * Reads a process's standard error to its end, so that the process never waits
 * for a reader, and keeps the last lines.
 */
export class StderrTail {
  /** Fulfils at the end of the output. */
  readonly done: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.done = this.#read().catch(() => {});
  }

  /** The last lines, each with what a terminal would act on escaped. */
  get lines(): string[] {
    return this.#text.split("\n").map((line) => line.trimEnd())
      .filter((line) => line !== "").slice(-TAIL_LINES).map(printable);
  }

  /** Stops reading: another process may have the output open for ever. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      const text = this.#text + decoder.decode(value, { stream: true });
      this.#text = text.slice(-TAIL_CHARACTERS);
    }
  }
}

/** Text of another program is data: it must not act on a terminal or a log. */
function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (unseen) => `\\u{${unseen.codePointAt(0)?.toString(16)}}`,
  );
}
