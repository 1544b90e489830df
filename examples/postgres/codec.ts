import { type Codec, type CodecOptions, WriteBuffer } from "@parley/parley";
import { Body } from "./body.ts";
import { BACKEND, type Backend, FRONTEND, type Frontend } from "./messages.ts";

/** The type and the length in front of a message of the server. */
const HEADER_BYTES = 5;
/** The readers of messages by the byte in front. */
const READERS = new Map(Object.entries(BACKEND));
const NOT_POSTGRES = "Message is not PostgreSQL's";

/** Makes the codec of a session: version 3 of PostgreSQL's protocol. */
export function postgres(options: CodecOptions = {}): Codec<Backend, Frontend> {
  const { maxMessageBytes = 1024 * 1024 } = options;
  let spare: WriteBuffer | undefined;
  return {
    decode(input) {
      if (input.length < HEADER_BYTES) return undefined;
      const letter = String.fromCharCode(input.uint(0, 1));
      const read = READERS.get(letter);
      const size = 1 + input.uint(1, 4);
      if (!read || size < HEADER_BYTES) throw input.malformed(NOT_POSTGRES);
      if (!input.expect(size, maxMessageBytes)) return undefined;
      try {
        const message = read(new Body(input.subarray(HEADER_BYTES, size)));
        input.consume(size);
        return message;
      } catch (cause) {
        throw input.malformed(NOT_POSTGRES, cause);
      }
    },
    encode({ type, body = [] }, output) {
      const bytes = spare ?? new WriteBuffer();
      spare = undefined; // what is left after an error is dropped
      for (const part of body) {
        if (typeof part === "number") bytes.int(part, 4);
        else if (typeof part === "string") bytes.text(part);
        else bytes.bytes(part);
      }
      output.text(FRONTEND[type]);
      output.uint(4 + bytes.length, 4);
      output.bytes(bytes.take());
      bytes.giveBack();
      spare = bytes;
    },
  };
}
