import {
  type Codec,
  DecodeError,
  jsonValues,
  type ReadBuffer,
} from "../../protocol/mod.ts";
import { endOfLine, MAX_MESSAGE_BYTES, qmpCodec } from "./client_codec.ts";
import type { QMPMessage } from "../messages.ts";

const LF = 0x0a;
/** No byte of UTF-8: clients send it to have whatever came before forgotten. */
const SENTINEL = 0xff;

/** Stands for input that is no JSON text. */
export class ParseFailure {
  readonly cause: DecodeError;

  constructor(cause: DecodeError) {
    this.cause = cause;
  }
}

/**
 * JSON texts from a client, and objects to it, each on a line. Bad input is
 * answered, so it is a message, too.
 */
export function serverCodec(
  maxMessageBytes = MAX_MESSAGE_BYTES,
): Codec<unknown, QMPMessage> {
  const values = jsonValues({ bigint: true, maxMessageBytes });
  const { encode } = qmpCodec({ maxMessageBytes, ending: endOfLine });
  return {
    decode(input) {
      try {
        return values.decode(input);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        input.consume(lengthOfBad(input));
        return new ParseFailure(error);
      }
    },
    encode,
  };
}

/** Where a command may begin again: after a newline, or a byte of 0xFF. */
function lengthOfBad(input: ReadBuffer): number {
  const newline = input.indexOf(LF);
  const line = input.subarray(0, newline < 0 ? input.length : newline + 1);
  const sentinel = line.indexOf(SENTINEL);
  return sentinel < 0 ? line.length : sentinel + 1;
}
