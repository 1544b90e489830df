import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";

/**
 * Turns bytes into messages and messages into bytes. It is synchronous and has
 * no side effects.
 *
 * A codec serves one stream. It may remember how far it has scanned the input:
 * then its cost is linear in bytes, however they are cut into chunks.
 */
export interface Codec<In, Out = In> {
  /**
   * Takes the next message from the front of the input and consumes its bytes.
   * There are three situations. With less than a message it returns `undefined`
   * and consumes nothing, except bytes that belong to no message, such as blank
   * lines. With exactly one message, or with more, it returns the first. If it has
   * consumed a part of a message, it tells with `expect` how many bytes it waits for.
   *
   * A message for which nothing is consumed is an error, which ends the session.
   *
   * @throws {ProtocolError} The bytes can never become a message.
   */
  decode(input: CodecInput): In | undefined;
  /**
   * Like `decode`, at the end of the stream. It is called until it returns
   * `undefined` and the input is empty. When no byte is left, it may return one
   * more message: what the codec has kept. Without this method, bytes that are
   * left at the end are a {@linkcode TruncatedMessageError}.
   */
  end?(input: CodecInput): In | undefined;
  /**
   * Appends the message's bytes to the output. It copies the bytes of the message
   * and keeps none of them.
   *
   * @throws {Error} The message cannot be encoded. The caller takes back what has
   * been appended.
   */
  encode(message: Out, output: CodecOutput): void;
}
