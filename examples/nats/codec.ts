import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  type Decoding,
  sequential,
} from "@parley/parley";
import type { ClientMessage, ServerInfo, ServerMessage } from "./messages.ts";

/** Makes the codec of a client's session: text lines, and counted payloads. */
export function nats(
  options: CodecOptions = {},
): Codec<ServerMessage, ClientMessage> {
  const { maxMessageBytes = 8 * 1024 * 1024 } = options;
  return sequential({ decode, encode }, { maxMessageBytes });
}

const NOT_NATS = "Message is not NATS";
const LF = 0x0a;
const CR_LF = 0x0d0a;
const decoder = new TextDecoder();

/** `MSG subject sid [reply] #total`, and HMSG with `#headers` before the total. */
const COUNTED = [
  /^MSG\s+(?<subject>\S+)\s+(?<sid>\d+)(\s+(?<reply>\S+))?\s+(?<total>\d+)$/i,
  /^HMSG\s+(?<subject>\S+)\s+(?<sid>\d+)(\s+(?<reply>\S+))?\s+(?<headers>\d+)\s+(?<total>\d+)$/i,
];

function* decode(input: CodecInput): Decoding<ServerMessage> {
  let at = input.indexOf(LF);
  while (at < 0) {
    const { length } = input;
    yield length + 1;
    at = input.indexOf(LF, length);
  }
  const line = decoder.decode(input.subarray(0, at)).trim();
  const start = at + 1;
  for (const pattern of COUNTED) {
    const words = pattern.exec(line)?.groups;
    if (words) return yield* decodeCounted(input, start, words);
  }
  const message = simple(line);
  if (!message) throw input.malformed(NOT_NATS);
  input.consume(start);
  return message;
}

/** Decodes a message whose line has these words, and whose content follows. */
function* decodeCounted(
  input: CodecInput,
  start: number,
  words: Partial<Record<string, string>>,
): Decoding<ServerMessage> {
  const from = start + Number(words.headers ?? 0);
  const to = start + Number(words.total);
  yield to + 2;
  const isWhole = from <= to && input.uint(to, 2) === CR_LF;
  if (!isWhole) throw input.malformed(NOT_NATS);
  const { subject = "", reply } = words;
  const headers = words.headers && decoder.decode(input.subarray(start, from));
  const payload = input.take(to + 2, from, to);
  const message = { subject, reply, headers, payload };
  return { op: "MSG", sid: Number(words.sid), message };
}

function encode(message: ClientMessage, output: CodecOutput): void {
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
