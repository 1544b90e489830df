import {
  type Codec,
  type CodecInput,
  type CodecOutput,
  ProtocolError,
} from "../../protocol/mod.ts";
import { endOfLine, qmpCodec } from "../_wire/client_codec.ts";
import type { QMPMessage } from "../messages.ts";

/**
 * Not a byte of UTF-8. The agent forgets an incomplete command when it receives
 * one, and sends one before the answer to `guest-sync-delimited`.
 */
const SENTINEL = 0xff;

/**
 * An agent reads at most 48 MiB of a file at once, and captures at most 16 MiB of
 * each of the two outputs of a program; base64 makes either a third larger.
 */
const MAX_MESSAGE_BYTES = 65 * 2 ** 20;

/**
 * JSON objects, and a way back to the start of one. In place of a message that is
 * too large or is not a JSON object, the error is decoded.
 */
export class GuestCodec
  implements Codec<QMPMessage | ProtocolError, QMPMessage> {
  readonly #messages: Codec<QMPMessage>;
  #dropping = false;

  constructor(maxMessageBytes = MAX_MESSAGE_BYTES) {
    this.#messages = qmpCodec({ maxMessageBytes, ending: endOfLine });
  }

  /** Drops everything before the next sentinel. */
  drop(): void {
    this.#dropping = true;
  }

  decode(input: CodecInput): QMPMessage | ProtocolError | undefined {
    this.#dropFrom(input);
    try {
      return this.#messages.decode(input);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.drop();
      this.#dropFrom(input);
      return error;
    }
  }

  encode(message: QMPMessage, output: CodecOutput): void {
    if (message.execute === "guest-sync-delimited") output.byte(SENTINEL);
    this.#messages.encode(message, output);
  }

  #dropFrom(input: CodecInput): void {
    if (!this.#dropping) return;
    const sentinel = input.indexOf(SENTINEL);
    this.#dropping = sentinel < 0;
    input.consume(sentinel < 0 ? input.length : sentinel + 1);
  }
}
