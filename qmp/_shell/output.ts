import { JSONText } from "../../protocol/codecs/_json/text.ts";
import type { ExecuteError } from "../errors.ts";
import type { QMPEvent } from "../messages.ts";
import { paint, paintJSON } from "./colours.ts";

const json = new JSONText({ bigint: true });

/** Where texts go that make up one or more lines. */
export interface Sink {
  /** What was asked for. */
  out(text: string): void;
  /** What went wrong. */
  err(text: string): void;
}

/** Shows what comes from the server. */
export interface Output {
  /** A result, and the text that it is to be shown as, if any. */
  result(value: unknown, text: string | undefined): void;
  refusal(error: ExecuteError): void;
  event(event: QMPEvent): void;
}

/** Whole messages, one a line. */
export class JSONOutput implements Output {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  result(value: unknown): void {
    this.#sink.out(json.stringify({ return: value }));
  }

  refusal({ errorClass, description }: ExecuteError): void {
    const error = { class: errorClass, desc: description };
    this.#sink.out(json.stringify({ error }));
  }

  event(event: QMPEvent): void {
    this.#sink.out(json.stringify(event));
  }
}

/** Text for people. */
export class TextOutput implements Output {
  readonly #sink: Sink;
  readonly #indent: number;
  readonly #colours: boolean;

  constructor(sink: Sink, options: { pretty: boolean; colours: boolean }) {
    this.#sink = sink;
    this.#indent = options.pretty ? 2 : 0;
    this.#colours = options.colours;
  }

  result(value: unknown, text: string | undefined): void {
    if (text === undefined) this.#sink.out(this.#json(value, this.#indent));
    else if (text !== "") this.#sink.out(text);
  }

  refusal({ errorClass, description }: ExecuteError): void {
    const text = `${errorClass}: ${description}`;
    this.#sink.err(this.#colours ? paint("red", text) : text);
  }

  event({ event, data, timestamp }: QMPEvent): void {
    const { seconds, microseconds } = timestamp;
    const time = timeOf(seconds * 1000 + microseconds / 1000);
    const [when, what] = this.#colours
      ? [paint("dim", time), paint("yellow", event)]
      : [time, event];
    const more = data === undefined ? "" : ` ${this.#json(data, 0)}`;
    this.#sink.out(`${when} ${what}${more}`);
  }

  #json(value: unknown, indent: number): string {
    const text = json.stringify(value, indent);
    return this.#colours ? paintJSON(text) : text;
  }
}

/** The time of day, here, to the millisecond. */
function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (part: number) => String(part).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const rest = String(date.getMilliseconds()).padStart(3, "0");
  return `${time.map(two).join(":")}.${rest}`;
}
