import type { Codec, CodecOptions, Endianness } from "@parley/parley";
import { Reader } from "./reader.ts";
import { type Value, Variant } from "./types.ts";
import { Writer } from "./writer.ts";

const NOT_DBUS = "Message is not D-Bus";
const TYPES = ["", "call", "return", "error", "signal"] as const;
const [LITTLE, BIG] = [0x6c, 0x42]; // "l" and "B"
const ORDERS = new Map<number, Endianness>([[LITTLE, "little"], [BIG, "big"]]);
const VERSION = 1;
/** Byte order, type, flags, version, length of the body, serial, and fields. */
const HEADER = "yyyyuua(yv)";
const FIXED_BYTES = 16;
/** The header fields, in the order of their codes from 1, and their types. */
const FIELDS = [
  ["path", "o"],
  ["interface", "s"],
  ["member", "s"],
  ["errorName", "s"],
  ["replySerial", "u"],
  ["destination", "s"],
  ["sender", "s"],
  ["signature", "g"],
] as const;

/** A message of D-Bus. */
export interface Message {
  type: (typeof TYPES)[number];
  /** Differs from those of all other messages that its sender has sent. */
  serial: number;
  /** Bit 0: no reply is wanted. */
  flags?: number | undefined;
  path?: string | undefined;
  interface?: string | undefined;
  member?: string | undefined;
  errorName?: string | undefined;
  replySerial?: number | undefined;
  destination?: string | undefined;
  sender?: string | undefined;
  /** The types of the body. */
  signature?: string | undefined;
  body: Value[];
}

/** The codec of messages: reads either byte order, and writes one. */
export function dbus(
  options: CodecOptions = {},
  order: Endianness = "little",
): Codec<Message> {
  const { maxMessageBytes = 128 * 1024 * 1024 } = options; // that of D-Bus
  return {
    decode(input) {
      if (input.length < FIXED_BYTES) return undefined;
      const order = ORDERS.get(input.uint(0, 1));
      if (!order || input.at(3) !== VERSION) throw input.malformed(NOT_DBUS);
      const fields = input.uint(12, 4, order);
      const bodyAt = FIXED_BYTES + Math.ceil(fields / 8) * 8;
      const size = bodyAt + input.uint(4, 4, order);
      if (!input.expect(size, maxMessageBytes)) return undefined;
      try {
        const message = read(input.subarray(0, size), order);
        input.consume(size);
        return message;
      } catch (cause) {
        throw input.malformed(NOT_DBUS, cause);
      }
    },
    encode(message, output) {
      const { type, serial, flags = 0, signature = "" } = message;
      const body = new Writer(order);
      body.writeAll(signature, message.body);
      const fields = FIELDS.flatMap(([name, type], at) => {
        const value = message[name];
        return value ? [[at + 1, new Variant(type, value)]] : [];
      });
      const header = new Writer(order);
      const start = [order === "little" ? LITTLE : BIG, TYPES.indexOf(type)];
      const rest = [flags, VERSION, body.length, serial, fields];
      header.writeAll(HEADER, [...start, ...rest]);
      header.align(8);
      output.bytes(header.take());
      output.bytes(body.take());
    },
  };
}

function read(bytes: Uint8Array, order: Endianness): Message {
  const reader = new Reader(bytes, order);
  const [, type, flags, , , serial, fields] = reader.readAll(HEADER);
  reader.align(8);
  const header: Partial<Record<string, Value>> = {};
  for (const [code, { signature, value }] of fields as [number, Variant][]) {
    const [name, type] = FIELDS[code - 1] ?? [];
    if (!name) continue; // of a later version
    if (signature !== type) {
      throw new TypeError(`Header field ${name} is of type ${signature}`);
    }
    header[name] = value;
  }
  const body = reader.readAll(`${header.signature ?? ""}`);
  if (reader.left > 0) throw new RangeError("Body is longer than its types");
  return {
    type: TYPES[Number(type)] ?? "",
    serial: Number(serial),
    flags: Number(flags),
    ...header,
    body,
  };
}
