import { TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { ReadBuffer } from "../read_buffer.ts";

/** Takes the messages of one stream. */
export class MessageDecoder<In> {
  readonly #input: ReadBuffer;
  /** Where the next message begins, in bytes from the start of the stream. */
  #begin: number;
  #messageBytes = 0;
  /** Whether a message has come at the end for which no byte was left. */
  #keptCame = false;

  constructor(input: ReadBuffer) {
    this.#input = input;
    this.#begin = input.offset;
  }

  /** The size of the last message, in bytes. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** How many bytes of an incomplete message the codec has consumed. */
  get consumed(): number {
    return this.#input.offset - this.#begin;
  }

  /**
   * The next message, if its bytes are here.
   *
   * @throws {Error} The codec has consumed nothing for it: it would return it again
   * and again.
   */
  decode(codec: Codec<In, never>): In | undefined {
    const message = codec.decode(this.#input);
    if (message !== undefined) {
      if (this.#measure() === 0) throw consumedNothing("decode");
    } else if (!this.#input.expecting) {
      // What it has consumed is not of a message, such as blanks.
      this.#begin = this.#input.offset;
    }
    return message;
  }

  /**
   * The next message at the end of the stream, after `decode` has returned
   * `undefined`. It is `undefined` when all bytes are consumed.
   *
   * @throws {TruncatedMessageError} Bytes are left.
   * @throws {Error} The codec has consumed nothing for the message. One that it has
   * kept itself may come when no byte is left.
   */
  end(codec: Codec<In, never>): In | undefined {
    const { length } = this.#input;
    const message = codec.end?.(this.#input);
    if (message === undefined) {
      const { offset, length } = this.#input;
      if (length === 0) return undefined;
      throw new TruncatedMessageError(offset, length);
    }
    if (this.#measure() === 0) {
      if (length > 0 || this.#keptCame) throw consumedNothing("end");
      this.#keptCame = true;
    }
    return message;
  }

  /** Drops all bytes that have arrived. */
  drop(): void {
    this.#input.consume(this.#input.length);
    this.#begin = this.#input.offset;
  }

  /** Measures a message that is whole, behind which the next one begins. */
  #measure(): number {
    const { offset } = this.#input;
    this.#messageBytes = offset - this.#begin;
    this.#begin = offset;
    return this.#messageBytes;
  }
}

/** The error of a codec that has consumed nothing for a message. */
function consumedNothing(method: "decode" | "end"): Error {
  return new Error(
    `Cannot decode: ${method}() has returned a message and consumed nothing`,
  );
}
