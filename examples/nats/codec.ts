import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  MessageTooLargeError,
} from "@parley/parley";
import type { ClientMessage, ServerInfo, ServerMessage } from "./messages.ts";

/** Makes the codec of a client's session: text lines, and counted payloads. */
export function nats(
  options: CodecOptions = {},
): Codec<ServerMessage, ClientMessage> {
  return new Nats(options.maxMessageBytes ?? 8 * 1024 * 1024);
}

const NOT_NATS = "Message is not NATS";
const LF = 0x0a;
const decoder = new TextDecoder();

/** `MSG subject sid [reply] #total`, and HMSG with `#headers` before the total. */
const COUNTED = [
  /^MSG\s+(?<subject>\S+)\s+(?<sid>\d+)(\s+(?<reply>\S+))?\s+(?<total>\d+)$/i,
  /^HMSG\s+(?<subject>\S+)\s+(?<sid>\d+)(\s+(?<reply>\S+))?\s+(?<headers>\d+)\s+(?<total>\d+)$/i,
];

/** What a line announces, and where its headers begin and the next message. */
interface Announced {
  words: Record<string, string | undefined>;
  start: number;
  end: number;
}

class Nats implements Codec<ServerMessage, ClientMessage> {
  readonly #limit: number;
  /** The message at the front whose payload is still arriving. */
  #announced: Announced | undefined;
  /** Before this position there is no end of a line. */
  #searched = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  decode(input: CodecInput): ServerMessage | undefined {
    if (this.#announced) return this.#payload(input, this.#announced);
    const end = input.indexOf(LF, this.#searched) + 1;
    this.#searched = end ? 0 : input.length;
    if ((end || input.length) > this.#limit) {
      throw new MessageTooLargeError(this.#limit, input.offset);
    }
    if (end === 0) return undefined;
    const line = decoder.decode(input.subarray(0, end)).trim();
    for (const pattern of COUNTED) {
      const words = pattern.exec(line)?.groups;
      if (!words) continue;
      const next = end + Number(words.total) + 2;
      this.#announced = { words, start: end, end: next };
      return this.#payload(input, this.#announced);
    }
    const message = simple(line);
    if (!message) throw input.malformed(NOT_NATS);
    input.consume(end);
    return message;
  }

  encode(message: ClientMessage, output: CodecOutput): void {
    const { op } = message;
    if (op === "PUB") {
      const { subject, reply, payload } = message;
      output.text(`PUB ${words(subject, reply)} ${payload.length}\r\n`);
      output.bytes(payload);
      output.text("\r\n");
    } else if (op === "SUB") {
      const { subject, queue, sid } = message;
      output.text(`SUB ${words(subject, queue)} ${sid}\r\n`);
    } else if (op === "CONNECT") {
      output.text(`CONNECT ${JSON.stringify(message.options)}\r\n`);
    } else if (op === "UNSUB") output.text(`UNSUB ${message.sid}\r\n`);
    else output.text(`${op}\r\n`);
  }

  #payload(
    input: CodecInput,
    { words, start, end }: Announced,
  ): ServerMessage | undefined {
    if (!input.expect(end, this.#limit)) return undefined;
    const from = start + Number(words.headers ?? 0);
    const right = from <= end - 2 && input.uint(end - 2, 2) === 0x0d0a;
    if (!right) throw input.malformed(NOT_NATS);
    this.#announced = undefined;
    const { subject = "", reply } = words;
    const headers = words.headers &&
      decoder.decode(input.subarray(start, from));
    const payload = input.take(end, from, end - 2);
    const message = { subject, reply, headers, payload };
    return { op: "MSG", sid: Number(words.sid), message };
  }
}

/** A message that is a line, or `undefined` if the protocol has no such line. */
function simple(line: string): ServerMessage | undefined {
  const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  const op = word.toUpperCase();
  switch (op) {
    case "PING":
    case "PONG":
    case "+OK":
      return { op };
    case "-ERR":
      return { op, text: rest.replace(/^'(.*)'$/, "$1") };
    case "INFO":
      try {
        return { op, info: { ...JSON.parse(rest) as ServerInfo } };
      } catch {
        return undefined;
      }
    default:
      return undefined;
  }
}

/** Words of a line, which must not have the end of another line in them. */
function words(...words: (string | undefined)[]): string {
  const given = words.filter((word) => word !== undefined);
  for (const word of given) checkSubject(word);
  return given.join(" ");
}

/** Refuses a subject or a queue that the server would take for something else. */
export function checkSubject(subject: string): void {
  if (/^[^\s\0]+$/.test(subject)) return;
  const shown = JSON.stringify(subject);
  throw new TypeError(
    `Cannot use subject: it is ${shown}, expected characters without spaces`,
  );
}
