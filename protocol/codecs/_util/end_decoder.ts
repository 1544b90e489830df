import { TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import { consumedNothing } from "./decode_next.ts";

/** Takes the messages at the end of one stream. */
export class EndDecoder<In> {
  /** Whether a message has come for which no byte was left. */
  #keptCame = false;

  /**
   * The next message, after `decode` has returned `undefined`. It is `undefined`
   * when all bytes are consumed.
   *
   * @throws {TruncatedMessageError} Bytes are left.
   * @throws {Error} The codec has consumed nothing for the message: it would
   * return it again and again. One that it has kept itself may come when no byte
   * is left.
   */
  next(codec: Codec<In, never>, input: CodecInput): In | undefined {
    const { offset, length } = input;
    const message = codec.end?.(input);
    if (message === undefined) {
      if (input.length === 0) return undefined;
      throw new TruncatedMessageError(input.offset, input.length);
    }
    if (input.offset === offset) {
      if (length > 0 || this.#keptCame) throw consumedNothing("end");
      this.#keptCame = true;
    }
    return message;
  }
}
