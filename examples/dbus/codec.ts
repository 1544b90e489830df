import type {
  Codec,
  CodecInput,
  CodecOptions,
  Endianness,
} from "@parley/parley";
import { Reader } from "./reader.ts";
import { type Value, Variant } from "./types.ts";
import { Writer } from "./writer.ts";

/** The header fields, in the order of their codes from 1, and their types. */
const FIELDS = {
  ...{ path: "o", interface: "s", member: "s", errorName: "s" },
  ...{ replySerial: "u", destination: "s", sender: "s", signature: "g" },
};
const NAMES = ["", ...Object.keys(FIELDS)];
const TYPES = ["", "call", "return", "error", "signal"] as const;
const NOT_DBUS = "Message is not D-Bus";
const HEADER = "yyyyuua(yv)";

/** A message of D-Bus. */
export interface Message {
  type: "call" | "return" | "error" | "signal" | "";
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
      if (input.length < 16) return undefined;
      const order = orderOf(input);
      const fields = input.uint(12, 4, order);
      const bodyAt = 16 + Math.ceil(fields / 8) * 8;
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
      const { type, serial, flags = 0, signature = "", body } = message;
      const values = new Writer(order);
      values.writeAll(signature, body);
      const fields = Object.entries(FIELDS).flatMap(([name, type], n) => {
        const value = message[name as keyof typeof FIELDS];
        const absent = value === undefined || value === "";
        return absent ? [] : [[n + 1, new Variant(type, value)]];
      });
      const header = new Writer(order);
      const first = (order === "little" ? "l" : "B").charCodeAt(0);
      const { length } = values.bytes;
      const start = [first, TYPES.indexOf(type), flags, 1, length, serial];
      header.writeAll(HEADER, [...start, fields]);
      header.align(8);
      output.bytes(header.bytes);
      output.bytes(values.bytes);
    },
  };
}

function read(bytes: Uint8Array, order: Endianness): Message {
  const reader = new Reader(bytes, order);
  const [, type, flags, , , serial, fields] = reader.readAll(HEADER);
  reader.align(8);
  const header: Partial<Message> = Object.fromEntries(
    (fields as [number, Variant][]).flatMap(([code, field]) => {
      const name = NAMES[code];
      return name ? [[name, right(name, field)]] : [];
    }),
  );
  const body = reader.readAll(header.signature ?? "");
  if (reader.left) throw new TypeError("Body is longer than its signature");
  const message = { type: TYPES[Number(type)] ?? "", serial: Number(serial) };
  return {
    ...message,
    ...(flags ? { flags: Number(flags) } : {}),
    ...header,
    body,
  };
}

function right(name: string, { signature, value }: Variant): Value {
  if (signature === FIELDS[name as keyof typeof FIELDS]) return value;
  throw new TypeError(`Header field ${name} is of type ${signature}`);
}

function orderOf(input: CodecInput): Endianness {
  const first = String.fromCharCode(input.uint(0, 1));
  if (input.at(3) !== 1 || !"lB".includes(first)) {
    throw input.malformed(NOT_DBUS);
  }
  return first === "l" ? "little" : "big";
}
