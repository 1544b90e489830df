import type { Codec, ReadBuffer, WriteBuffer } from "../../protocol/mod.ts";
import { endOfLine, qmpCodec } from "../_wire/client_codec.ts";
import type { QMPMessage } from "../messages.ts";

/**
 * No byte of UTF-8. Sent, it makes an agent forget what it has of a command;
 * received, it stands before the answer to `guest-sync-delimited`.
 */
const SENTINEL = 0xff;

/** JSON objects, and a way to get back to where one begins. */
export class GuestCodec implements Codec<QMPMessage> {
  readonly #messages: Codec<QMPMessage>;
  #dropping = false;

  constructor(maxMessageBytes: number | undefined) {
    this.#messages = qmpCodec({ maxMessageBytes, ending: endOfLine });
  }

  /** Drops whatever comes before the next sentinel. */
  drop(): void {
    this.#dropping = true;
  }

  decode(input: ReadBuffer): QMPMessage | undefined {
    if (this.#dropping) {
      const sentinel = input.indexOf(SENTINEL);
      this.#dropping = sentinel < 0;
      input.consume(sentinel < 0 ? input.length : sentinel + 1);
    }
    return this.#messages.decode(input);
  }

  encode(message: QMPMessage, output: WriteBuffer): void {
    if (message.execute === "guest-sync-delimited") output.byte(SENTINEL);
    this.#messages.encode(message, output);
  }
}
