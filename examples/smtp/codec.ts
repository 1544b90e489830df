import {
  type Codec,
  type CodecOptions,
  DecodeError,
  lines,
  sequential,
} from "@parley/parley";

/** A reply of one or more lines, which have the code in common (RFC 5321 §4.2). */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
}

/** A command, or the content of a mail. */
export type Request = string | { readonly content: string };

const encoder = new TextEncoder();

/** Makes the codec of a client's session. */
export function smtp(options: CodecOptions = {}): Codec<Reply, Request> {
  const { maxMessageBytes = 64 * 1024 } = options;
  const line = lines({ newline: "\r\n", maxMessageBytes });
  return sequential<Reply, Request>({
    *decode(input) {
      const texts: string[] = [];
      for (;;) {
        const { offset } = input;
        let text = line.decode(input);
        while (text === undefined) {
          yield input.length + 1;
          text = line.decode(input);
        }
        const [, code, dash, rest = ""] =
          /^([2-5]\d\d)(?:$|([ -])(.*)$)/.exec(text) ?? [];
        if (code === undefined) {
          const bytes = encoder.encode(text);
          throw new DecodeError("Reply is not SMTP", { offset, bytes });
        }
        texts.push(rest);
        if (dash !== "-") return { code: Number(code), lines: texts };
      }
    },
    encode(request, output) {
      if (typeof request === "string") line.encode(request, output);
      else output.text(dotStuffed(request.content));
    },
  }, { maxMessageBytes });
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
