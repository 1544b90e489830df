import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  DecodeError,
  lines,
  MessageTooLargeError,
  TruncatedMessageError,
} from "@parley/parley";

/** A reply of one or more lines, which have the code in common (RFC 5321 §4.2). */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A command, or the content of a mail. */
export type Request = string | { readonly content: string };

/** Makes the codec of a client's session. */
export function smtp(options: CodecOptions = {}): Codec<Reply, Request> {
  return new Smtp(options.maxMessageBytes ?? 64 * 1024);
}

class Smtp implements Codec<Reply, Request> {
  readonly #limit: number;
  readonly #lines: Codec<string>;
  /** Where the reply begins that is arriving, and its lines so far. */
  #start = 0;
  #arrived: string[] = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.#lines = lines({ newline: "\r\n", maxMessageBytes: limit });
  }

  decode(input: CodecInput): Reply | undefined {
    for (;;) {
      if (this.#arrived.length === 0) this.#start = input.offset;
      const line = this.#lines.decode(input);
      if (input.offset - this.#start > this.#limit) {
        throw new MessageTooLargeError(this.#limit, this.#start);
      }
      if (line === undefined) return undefined;
      const [, code, dash, text = ""] =
        /^([2-5]\d\d)(?:$|([ -])(.*)$)/.exec(line) ?? [];
      if (code === undefined) {
        const offset = this.#start;
        const bytes = new TextEncoder().encode(line);
        throw new DecodeError("Reply is not SMTP", { offset, bytes });
      }
      this.#arrived.push(text);
      if (dash === "-") continue;
      const reply = { code: Number(code), lines: this.#arrived };
      this.#arrived = [];
      return reply;
    }
  }

  end(input: CodecInput): Reply | undefined {
    const reply = this.decode(input);
    const length = input.offset + input.length - this.#start;
    if (reply || length === 0) return reply;
    throw new TruncatedMessageError(this.#start, length);
  }

  encode(request: Request, output: CodecOutput): void {
    if (typeof request === "string") return this.#lines.encode(request, output);
    output.text(dotStuffed(request.content));
  }
}

/**
 * Content with CR LF at each line's end, a second dot where a line begins with
 * one, and the dot that ends it (§4.5.2). A lone CR or LF must not be left: some
 * servers take it for a line's end, and what follows for commands.
 */
function dotStuffed(content: string): string {
  const text = content.replace(/\r\n|\r|\n/g, "\r\n")
    .replace(/(^|\r\n)\./g, "$1..");
  return text + (text === "" || text.endsWith("\r\n") ? "" : "\r\n") + ".\r\n";
}
