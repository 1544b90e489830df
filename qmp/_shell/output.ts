import { printable } from "../../protocol/_util/printable.ts";
import type { ExecuteError } from "../errors.ts";
import type { QMPEvent } from "../messages.ts";
import { paint, paintJSON } from "./colours.ts";
import { printableText } from "./printable_text.ts";
import { indentedText, lineText } from "./json_text.ts";

/** Takes texts of one or more lines, which are escaped already. */
export interface Sink {
  /** Results and events. */
  out(text: string): void;
  /** Errors, and remarks of the shell. */
  err(text: string): void;
}

/**
 * Shows the results, errors and events of a server. They are a peer's text: no
 * character of it acts on a terminal.
 */
export interface Output {
  /** A result; `text` is the plain text of a human monitor's result. */
  result(value: unknown, text: string | undefined): void;
  /** The text of a command that has failed in a human monitor. */
  failure(text: string): void;
  /** The server's error. */
  refusal(error: ExecuteError): void;
  event(event: QMPEvent): void;
  /** An error that is not the server's answer to a command. */
  error(message: string): void;
  /** A remark of the shell. */
  note(message: string): void;
}

/** Whole messages, one a line. */
export class JSONOutput implements Output {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  result(value: unknown): void {
    this.#sink.out(lineText({ return: value }));
  }

  failure(text: string): void {
    this.result(text);
  }

  refusal({ errorClass, description }: ExecuteError): void {
    const error = { class: errorClass, desc: description };
    this.#sink.out(lineText({ error }));
  }

  event(event: QMPEvent): void {
    this.#sink.out(lineText(event));
  }

  error(message: string): void {
    this.#sink.err(printableText(message));
  }

  note(message: string): void {
    this.#sink.err(printableText(message));
  }
}

/** Text for people. */
export class TextOutput implements Output {
  readonly #sink: Sink;
  readonly #pretty: boolean;
  readonly #colours: boolean;

  constructor(sink: Sink, options: { pretty: boolean; colours: boolean }) {
    this.#sink = sink;
    this.#pretty = options.pretty;
    this.#colours = options.colours;
  }

  result(value: unknown, text: string | undefined): void {
    if (text === undefined) {
      const shown = this.#pretty ? indentedText(value) : lineText(value);
      this.#sink.out(this.#colours ? paintJSON(shown) : shown);
    } else if (text !== "") this.#sink.out(printableText(text));
  }

  failure(text: string): void {
    this.error(text);
  }

  refusal({ errorClass, description }: ExecuteError): void {
    this.error(`${errorClass}: ${description}`);
  }

  event({ event, data, timestamp }: QMPEvent): void {
    const time = timeOf(timestamp);
    const name = printable(event);
    const [when, title] = this.#colours
      ? [paint("dim", time), paint("yellow", name)]
      : [time, name];
    if (data === undefined) return this.#sink.out(`${when} ${title}`);
    const line = lineText(data);
    const more = this.#colours ? paintJSON(line) : line;
    this.#sink.out(`${when} ${title} ${more}`);
  }

  error(message: string): void {
    const text = printableText(message);
    this.#sink.err(this.#colours ? paint("red", text) : text);
  }

  note(message: string): void {
    const text = printableText(message);
    this.#sink.err(this.#colours ? paint("dim", text) : text);
  }
}

const UNKNOWN_TIME = "--:--:--.---";

/** The local time of day, to the millisecond, if the server sent a time. */
function timeOf(timestamp: unknown): string {
  const { seconds, microseconds } = Object(timestamp);
  if (typeof seconds !== "number" || typeof microseconds !== "number") {
    return UNKNOWN_TIME;
  }
  const date = new Date(seconds * 1000 + microseconds / 1000);
  if (seconds < 0 || Number.isNaN(date.getTime())) return UNKNOWN_TIME;
  const two = (part: number) => String(part).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const rest = String(date.getMilliseconds()).padStart(3, "0");
  return `${time.map(two).join(":")}.${rest}`;
}
