import type { Codec } from "../../protocol/codecs/codec.ts";
import { DecodeError } from "../../protocol/errors.ts";

/**
 * JSON in the texts of another codec. A text that is not JSON is decoded to a
 * `DecodeError`: the peer gets an error response, and the stream goes on.
 */
export function jsonTexts(texts: Codec<string>): Codec<unknown> {
  return {
    decode(input) {
      let { offset } = input;
      let text = texts.decode(input);
      // Blank lines are not messages.
      while (text !== undefined && /^\s*$/.test(text)) {
        offset = input.offset;
        text = texts.decode(input);
      }
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text);
      } catch (cause) {
        const bytes = new TextEncoder().encode(text.slice(0, 64));
        return new DecodeError("Message is not JSON", { offset, bytes, cause });
      }
    },
    encode(message, output) {
      texts.encode(JSON.stringify(message), output);
    },
  };
}
