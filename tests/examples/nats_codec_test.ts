import { nats } from "../../examples/nats/codec.ts";
import type {
  NatsMessage,
  ServerMessage,
} from "../../examples/nats/messages.ts";
import {
  type CodecOptions,
  type CodecOutput,
  DecodeError,
  TruncatedMessageError,
} from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";
import { encodingCodec } from "../support/examples/encoding_codec.ts";

const codec = (options: CodecOptions) => encodingCodec(nats(options), encode);

/** Encodes a message as a server does. */
function encode(received: ServerMessage, output: CodecOutput): void {
  if (received.op !== "MSG") throw new TypeError("It is not a message");
  const { sid, message: { subject, reply, headers, payload } } = received;
  const words = [subject, sid, ...reply === undefined ? [] : [reply]];
  const block = new TextEncoder().encode(headers ?? "");
  const op = headers === undefined ? "MSG" : "HMSG";
  if (headers !== undefined) words.push(block.length);
  words.push(block.length + payload.length);
  output.text(`${op} ${words.join(" ")}\r\n`);
  output.bytes(block);
  output.bytes(payload);
  output.text("\r\n");
}

const message = (
  subject: string,
  payload: string,
  rest: Partial<NatsMessage> = {},
): ServerMessage => ({
  op: "MSG",
  sid: 7,
  message: {
    subject,
    reply: undefined,
    headers: undefined,
    ...rest,
    payload: new TextEncoder().encode(payload),
  },
});

const info = { server_id: "x", version: "2.9.10", max_payload: 10 };

testCodec<ServerMessage>("nats()", codec, {
  "messages with and without a reply, and an empty one": {
    input: "MSG a.b 7 5\r\nhe\r\no\r\nMSG c 7 back 1\r\n!\r\nmsg d 7 0\r\n\r\n",
    messages: [
      message("a.b", "he\r\no"),
      message("c", "!", { reply: "back" }),
      message("d", ""),
    ],
  },
  "headers before the payload": {
    input: "HMSG a 7 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
    messages: [message("a", "hi", { headers: "NATS/1.0\r\n\r\n" })],
  },
  "lines": {
    input: `INFO ${JSON.stringify(info)} \r\nPING\r\npong\r\n+OK\r\n` +
      `-ERR 'Unknown Protocol Operation'\r\n`,
    messages: [
      { op: "INFO", info },
      { op: "PING" },
      { op: "PONG" },
      { op: "+OK" },
      { op: "-ERR", text: "Unknown Protocol Operation" },
    ],
  },
  "up to a payload that is longer than announced": {
    input: "PING\r\nMSG a 7 1\r\nhello\r\n",
    messages: [{ op: "PING" }],
    error: { class: DecodeError, has: { offset: 6 } },
  },
  "up to a count that is not a number": {
    input: "MSG a 7 x\r\n",
    messages: [],
    error: { class: DecodeError },
  },
  "up to more headers than there are bytes": {
    input: "HMSG a 7 5 4\r\nabcd\r\n",
    messages: [],
    error: { class: DecodeError },
  },
  "up to an INFO that is not JSON": {
    input: "INFO {max\r\n",
    messages: [],
    error: { class: DecodeError },
  },
  "up to an answer of HTTP": {
    input: "HTTP/1.1 400 Bad Request\r\n",
    messages: [],
    error: { class: DecodeError, has: { offset: 0 } },
  },
  "a reply that is a number": {
    input: "MSG a 7 12 1\r\n!\r\nHMSG b 7 12 1 2\r\nhi\r\n",
    messages: [
      message("a", "!", { reply: "12" }),
      message("b", "i", { reply: "12", headers: "h" }),
    ],
  },
  "up to the end within a payload": {
    input: "MSG a 7 5\r\nhe",
    messages: [],
    error: { class: TruncatedMessageError },
  },
}, { sized: (bytes) => message("a", "x".repeat(bytes)) });
