import type { ReadBuffer } from "./read_buffer.ts";
import type { WriteBuffer } from "./write_buffer.ts";

/**
 * Turns bytes into messages and messages into bytes: pure and synchronous.
 *
 * A codec serves one stream: it may remember how far it has scanned, so that
 * its cost is linear in bytes whatever the chunking.
 */
export interface Codec<In, Out = In> {
  /**
   * Takes the next message from the front of the input, consuming its bytes.
   * There are three situations: with less than a message it returns `undefined`
   * and consumes nothing, except what belongs to none, such as blank lines; with
   * exactly one, or with more than one, it returns the first.
   *
   * @throws {ProtocolError} The bytes can never become a message.
   */
  decode(input: ReadBuffer): In | undefined;
  /**
   * Like `decode`, at the end of the stream: called until it returns
   * `undefined` with nothing left in the input. Without this method, bytes that
   * are left over at the end are a {@linkcode TruncatedMessageError}.
   */
  end?(input: ReadBuffer): In | undefined;
  /**
   * Appends the message's bytes to the output.
   *
   * @throws {Error} The message cannot be encoded; what was appended is taken
   * back by the caller.
   */
  encode(message: Out, output: WriteBuffer): void;
}
