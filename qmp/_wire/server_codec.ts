import {
  type Codec,
  type CodecInput,
  type CodecOutput,
  MessageTooLargeError,
} from "../../protocol/mod.ts";
import { JSONText } from "../../protocol/codecs/_json/text.ts";
import { decodeUTF8 } from "../../protocol/codecs/_util/utf8.ts";
import type { QMPMessage } from "../messages.ts";
import { asciiBytes, isASCII } from "./ascii.ts";
import { BadInput } from "./bad_input.ts";
import { countMembers } from "./count_members.ts";
import { endOfLine, MAX_MESSAGE_BYTES } from "./client_codec.ts";
import { foreignInput, isForeign } from "./foreign_protocol.ts";
import { RequestScanner } from "./request_scanner.ts";
import { hasSingleQuotes, withDoubleQuotes } from "./single_quotes.ts";

/**
 * JSON texts from a client, and objects to it, each on a line and in ASCII. Input
 * that is not JSON is decoded to a {@linkcode BadInput}, because it is answered.
 * After a fatal one, all input is dropped.
 */
export class ServerCodec implements Codec<unknown, QMPMessage> {
  readonly #limit: number;
  readonly #json = new JSONText({ bigint: true });
  readonly #scanner = new RequestScanner();
  #opened = false;
  #failed = false;

  constructor(maxMessageBytes = MAX_MESSAGE_BYTES) {
    this.#limit = maxMessageBytes;
  }

  decode(input: CodecInput): unknown {
    if (!this.#failed) this.#scanner.skip(input);
    else input.consume(input.length);
    if (input.length === 0) return undefined;
    if (!this.#opened) {
      const foreign = isForeign(input);
      if (foreign === undefined) return undefined;
      if (foreign) return this.#fail(input, foreignInput(input));
      this.#opened = true;
    }
    const found = this.#scanner.scan(input, this.#limit + 1);
    const { length } = this.#scanner;
    if (found === "stray") {
      const stray = strayByte(input, length - 1);
      this.#drop(input, length);
      return stray;
    }
    if (length > this.#limit) return this.#fail(input, this.#tooLarge(input));
    if (found === "incomplete") return undefined;
    const message = this.#scanner.tooDeep
      ? new BadInput("JSON nesting depth limit exceeded")
      : this.#parse(input, length);
    this.#drop(input, length);
    return message;
  }

  encode(message: QMPMessage, output: CodecOutput): void {
    const text = this.#json.stringify(message);
    if (isASCII(text)) output.text(text);
    else output.bytes(asciiBytes(text));
    endOfLine(output);
  }

  #parse(input: CodecInput, length: number): unknown {
    const { offset } = input;
    const bytes = input.subarray(0, length);
    const text = hasSingleQuotes(bytes) ? withDoubleQuotes(bytes) : bytes;
    let message: unknown;
    try {
      message = this.#json.parse(decodeUTF8(text, offset));
    } catch {
      const description = "JSON parse error, input is not JSON";
      return new BadInput(`${description} at offset ${offset}`);
    }
    const { members } = this.#scanner;
    return members === 0 || countMembers(message) === members
      ? message
      : new BadInput("JSON parse error, duplicate key");
  }

  #drop(input: CodecInput, length: number): void {
    input.consume(length);
    this.#scanner.next();
  }

  #tooLarge(input: CodecInput): BadInput {
    const error = new MessageTooLargeError(this.#limit, input.offset);
    return new BadInput(error.message, error);
  }

  #fail(input: CodecInput, bad: BadInput): BadInput {
    this.#failed = true;
    input.consume(input.length);
    return bad;
  }
}

/** Input that ends in a stray byte. */
function strayByte(input: CodecInput, at: number): BadInput {
  const byte = input.at(at) ?? 0;
  const shown = byte < 0x80 ? String.fromCharCode(byte) : "\ufffd";
  return new BadInput(
    `JSON parse error, stray '${shown}' at offset ${input.offset + at}`,
  );
}
