import {
  type Codec,
  type CodecInput,
  type CodecOutput,
  DecodeError,
  jsonValues,
  type WriteBuffer,
} from "../../protocol/mod.ts";
import { JSONText } from "../../protocol/codecs/_json/text.ts";
import { printable } from "../../protocol/_util/printable.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import { redact } from "./redact.ts";
import type { QMPMessage } from "../messages.ts";

const CR = 0x0d;
const LF = 0x0a;
const CURLY = 0x7b;
/** The default limit of an incoming message. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/**
 * Nothing: a newline after `quit` would reach a server that has exited. The
 * resulting reset discards the server's reply.
 */
export function nothing(_output: CodecOutput): void {}

/**
 * A newline in a write of its own: before QEMU 8.0, a server reads a TLS record
 * only when the next one arrives.
 */
export function newlineApart(output: WriteBuffer): void {
  output.split();
  output.byte(LF);
}

/** The end of a line, as QEMU writes it. */
export function endOfLine(output: CodecOutput): void {
  output.byte(CR);
  output.byte(LF);
}

/** Options of the codec. */
export interface QMPCodecOptions {
  maxMessageBytes: number | undefined;
  /** Writes the bytes that follow a message. */
  ending: (output: WriteBuffer) => void;
}

/** A codec that reports the size of a message. */
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
      const message = checkObject(decodeWith(values, input));
      messageBytes = input.offset - start;
      return message;
    },
    end: (input) => checkObject(values.end?.(input)),
    encode(message, output: WriteBuffer) {
      output.text(texts.stringify(message));
      ending(output);
    },
  };
}

/** A deep copy of a message, as the peer would receive it. */
export function copyOf(message: QMPMessage): QMPMessage {
  const texts = new JSONText({ bigint: true });
  return texts.parse(texts.stringify(message)) as QMPMessage;
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is QMPMessage {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The start of a value's JSON text, for errors. */
export function excerptOf(value: unknown): string {
  const text = new JSONText({ bigint: true }).stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The next value; an error does not quote an object, which may contain a secret. */
function decodeWith(codec: Codec<unknown>, input: CodecInput): unknown {
  try {
    return codec.decode(input);
  } catch (error) {
    if (!(error instanceof DecodeError && input.at(0) === CURLY)) throw error;
    const { offset, cause } = error;
    const bytes = Uint8Array.of(CURLY);
    throw new DecodeError("Message is not JSON", { offset, bytes, cause });
  }
}

function checkObject(value: unknown): QMPMessage | undefined {
  if (value === undefined || isObject(value)) return value;
  const excerpt = printable(excerptOf(redact(value)));
  throw new ProtocolError(`Message is not a JSON object: ${excerpt}`);
}
