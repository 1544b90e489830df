/** The labels before lines, each with the colour of the text after it. */
const COLOURS = {
  state: 36,
  greeting: 0,
  execute: 1,
  return: 32,
  event: 33,
  error: 31,
  end: 32,
} as const;

/** Lines with labels on the standard output, in colour on a terminal. */
export class Screen {
  readonly #colours = Deno.stdout.isTerminal() && !Deno.noColor;
  readonly #onGone: (reason: unknown) => void;

  /** Calls `onGone` when nobody reads the output any more. */
  constructor(onGone: (reason: unknown) => void) {
    this.#onGone = onGone;
  }

  /** Shows a text as it is. */
  line(text = ""): void {
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#onGone(error);
    }
  }

  /** Shows a text, and a value, behind a label; each command begins a paragraph. */
  show(label: keyof typeof COLOURS, text: string, value?: unknown): void {
    if (label === "execute" || label === "end") this.line();
    const shown = value === undefined ? "" : ` ${inspect(value)}`;
    // A server's text with escape sequences could act on the terminal.
    const safe = `${text}${shown}`.replace(/\p{C}/gu, "?");
    const line = this.#fit(`${label.padStart(10)}  ${safe}`);
    const head = this.#paint(2, line.slice(0, 12));
    this.line(head + this.#paint(COLOURS[label], line.slice(12)));
  }

  /** As much of a line as the terminal has room for. */
  #fit(line: string): string {
    if (!Deno.stdout.isTerminal()) return line;
    const { columns } = Deno.consoleSize();
    return line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
  }

  #paint(colour: number, text: string): string {
    return this.#colours ? `\x1b[${colour}m${text}\x1b[0m` : text;
  }
}

/** A value on one line. */
export function inspect(value: unknown): string {
  return Deno.inspect(value, { breakLength: Infinity, compact: true });
}
