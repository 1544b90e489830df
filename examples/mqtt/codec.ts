import {
  type Codec,
  type CodecInput,
  type CodecOptions,
  type CodecOutput,
  DecodeError,
} from "@parley/parley";
import type {
  Acknowledgement,
  ClientPacket,
  Connect,
  QoS,
  ServerPacket,
} from "./packets.ts";

/** Makes the codec of a client's session: MQTT 3.1.1, §2 and §3. */
export function mqtt(
  options: CodecOptions = {},
): Codec<ServerPacket, ClientPacket> {
  return new Mqtt(options.maxMessageBytes ?? 1024 * 1024);
}

/** The first byte of each packet that is an id and nothing else. */
const ACKNOWLEDGEMENTS: Record<Acknowledgement["type"], number> = {
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  unsuback: 0xb0,
};
const MAX_LENGTH_BYTES = 4;
const MAX_LENGTH = 2 ** (7 * MAX_LENGTH_BYTES) - 1;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

class Mqtt implements Codec<ServerPacket, ClientPacket> {
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  decode(input: CodecInput): ServerPacket | undefined {
    const first = input.at(0);
    const length = input.varint(1);
    if ((length?.size ?? input.length - 1) > MAX_LENGTH_BYTES) {
      throw malformed(input.offset, input.subarray());
    }
    if (first === undefined || !length) return undefined;
    const { offset } = input;
    const start = 1 + length.size;
    const end = start + length.value;
    if (!input.expect(end, this.#limit)) return undefined;
    const bytes = input.take(end, start, end);
    try {
      return parse(first, bytes);
    } catch (cause) {
      throw malformed(offset, bytes, cause);
    }
  }

  encode(packet: ClientPacket, output: CodecOutput): void {
    switch (packet.type) {
      case "connect":
        return frame(output, 0x10, ...connectParts(packet));
      case "publish": {
        const { topic, payload, qos, retain, dup, id } = packet;
        const first = 0x30 | Number(dup) << 3 | qos << 1 | Number(retain);
        const ids = qos > 0 ? [word(id)] : [];
        return frame(output, first, text(topic), ...ids, payload);
      }
      case "subscribe": {
        const { id, filter, qos } = packet;
        return frame(output, 0x82, word(id), text(filter), Uint8Array.of(qos));
      }
      case "unsubscribe":
        return frame(output, 0xa2, word(packet.id), text(packet.filter));
      case "pingreq":
        return frame(output, 0xc0);
      case "disconnect":
        return frame(output, 0xe0);
      default:
        return frame(output, ACKNOWLEDGEMENTS[packet.type], word(packet.id));
    }
  }
}

/** Reads a packet by its first byte; throws if the bytes are no such packet. */
function parse(first: number, bytes: Uint8Array): ServerPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (first >> 4 === 3) return parsePublish(first, bytes, view);
  if (first === 0x20) {
    const sessionPresent = view.getUint8(0) === 1;
    return { type: "connack", sessionPresent, code: view.getUint8(1) };
  }
  if (first === 0x90) {
    const codes = [...bytes.subarray(2)];
    return { type: "suback", id: view.getUint16(0), codes };
  }
  if (first === 0xd0) return { type: "pingresp" };
  for (const [type, byte] of Object.entries(ACKNOWLEDGEMENTS)) {
    if (byte !== first) continue;
    return { type: type as Acknowledgement["type"], id: view.getUint16(0) };
  }
  throw new RangeError(`Packet begins with 0x${first.toString(16)}`);
}

function parsePublish(
  first: number,
  bytes: Uint8Array,
  view: DataView,
): ServerPacket {
  const end = 2 + view.getUint16(0);
  if (end > bytes.length) throw new RangeError("Topic is longer than packet");
  const topic = decoder.decode(bytes.subarray(2, end));
  const qos = first >> 1 & 3;
  if (qos === 3) throw new RangeError("QoS is 3");
  return {
    type: "publish",
    topic,
    payload: bytes.subarray(qos > 0 ? end + 2 : end),
    qos: qos as QoS,
    retain: (first & 1) > 0,
    dup: (first & 8) > 0,
    id: qos > 0 ? view.getUint16(end) : 0,
  };
}

function connectParts(packet: Connect): Uint8Array[] {
  const { clientId, keepAlive, will, username, password } = packet;
  let flags = 0x02; // a clean session
  const parts = [text(clientId)];
  if (will) {
    flags |= 0x04 | will.qos << 3 | Number(will.retain) << 5;
    parts.push(text(will.topic), word(will.payload.length), will.payload);
  }
  if (username !== undefined) {
    flags |= 0x80;
    parts.push(text(username));
  }
  if (password !== undefined) {
    flags |= 0x40;
    parts.push(text(password));
  }
  return [text("MQTT"), Uint8Array.of(4, flags), word(keepAlive), ...parts];
}

function frame(
  output: CodecOutput,
  first: number,
  ...parts: Uint8Array[]
): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_LENGTH) throw tooLong("packet", length, MAX_LENGTH);
  output.byte(first);
  output.varint(length);
  for (const part of parts) output.bytes(part);
}

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  const whole = new Uint8Array(2 + bytes.length);
  whole.set(word(bytes.length));
  whole.set(bytes, 2);
  return whole;
}

function word(value: number): Uint8Array {
  if (value > 0xffff) throw tooLong("text or will", value, 0xffff);
  return Uint8Array.of(value >> 8, value);
}

function tooLong(what: string, length: number, limit: number): RangeError {
  return new RangeError(
    `Cannot encode: ${what} has ${length} bytes, expected at most ${limit}`,
  );
}

function malformed(
  offset: number,
  bytes: Uint8Array,
  cause?: unknown,
): DecodeError {
  return new DecodeError("Packet is not MQTT 3.1.1", { offset, bytes, cause });
}
