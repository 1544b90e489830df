import {
  type Codec,
  jsonValues,
  type WriteBuffer,
} from "../../protocol/mod.ts";
import { JSONText } from "../../protocol/codecs/_json/text.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type { QMPMessage } from "../messages.ts";

const CR = 0x0d;
const LF = 0x0a;
/** The limit for incoming messages where none is given. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/**
 * Nothing: a newline after `quit` would come to a server that is gone, and the
 * reset that answers it takes the server's reply along.
 */
export function nothing(_output: WriteBuffer): void {}

/**
 * A newline in a write of its own: before QEMU 8.0, a server does not see what
 * came in one TLS record before the next one comes.
 */
export function newlineApart(output: WriteBuffer): void {
  output.split();
  output.byte(LF);
}

/** The end of a line, as servers write it. */
export function endOfLine(output: WriteBuffer): void {
  output.byte(CR);
  output.byte(LF);
}

/** Options of the codec. */
export interface QMPCodecOptions {
  maxMessageBytes: number | undefined;
  /** Writes what follows a message. */
  ending: (output: WriteBuffer) => void;
}

/** A codec that tells how large a message was. */
export interface QMPCodec extends Codec<QMPMessage> {
  /** The size on the wire of the last message that was decoded. */
  readonly messageBytes: number;
}

/** JSON objects in any layout, with integers of any size. */
export function qmpCodec(options: QMPCodecOptions): QMPCodec {
  const { maxMessageBytes = MAX_MESSAGE_BYTES, ending } = options;
  const values = jsonValues({ bigint: true, maxMessageBytes });
  const texts = new JSONText({ bigint: true });
  let messageBytes = 0;
  return {
    get messageBytes() {
      return messageBytes;
    },
    decode(input) {
      const start = input.offset;
      const message = checkObject(values.decode(input));
      messageBytes = input.offset - start;
      return message;
    },
    end: (input) => checkObject(values.end?.(input)),
    encode(message, output) {
      output.text(texts.stringify(message));
      ending(output);
    },
  };
}

/** A copy that later changes do not reach, as it would be received. */
export function copyOf(message: QMPMessage): QMPMessage {
  const texts = new JSONText({ bigint: true });
  return texts.parse(texts.stringify(message)) as QMPMessage;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is QMPMessage {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The beginning of a value's JSON text, for errors. */
export function excerptOf(value: unknown): string {
  const text = new JSONText({ bigint: true }).stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function checkObject(value: unknown): QMPMessage | undefined {
  if (value === undefined || isObject(value)) return value;
  throw new ProtocolError(`Message is no JSON object: ${excerptOf(value)}`);
}
