import {
  type Codec,
  type CodecOptions,
  DecodeError,
  lengthPrefixed,
} from "@parley/parley";
import { concat } from "@std/bytes";
import type {
  Acknowledgement,
  ClientPacket,
  Connect,
  QoS,
  ServerPacket,
} from "./packets.ts";

/** The first byte of each packet that is an id and nothing else. */
const ACKNOWLEDGEMENTS: Record<Acknowledgement["type"], number> = {
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  unsuback: 0xb0,
};
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Makes the codec of a client's session: MQTT 3.1.1, §2 and §3. */
export function mqtt(
  { maxMessageBytes = 1024 * 1024 }: CodecOptions = {},
): Codec<ServerPacket, ClientPacket> {
  // A byte that tells the type, and behind the length what it counts.
  const frames = lengthPrefixed({
    lengthFieldOffset: 1,
    lengthFieldLength: "varint",
    maxMessageBytes,
  });
  return {
    decode(input) {
      const { offset } = input;
      const bytes = frames.decode(input);
      if (!bytes) return undefined;
      try {
        return parse(bytes[0] ?? 0, bytes.subarray(1));
      } catch (cause) {
        const where = { offset, bytes, cause };
        throw new DecodeError("Packet is not MQTT 3.1.1", where);
      }
    },
    encode: (packet, output) => frames.encode(concat(partsOf(packet)), output),
  };
}

/** The first byte of a packet, and what is behind its length. */
function partsOf(packet: ClientPacket): Uint8Array[] {
  switch (packet.type) {
    case "connect":
      return [byte(0x10), ...connectParts(packet)];
    case "publish": {
      const { topic, payload, qos, retain, id } = packet;
      const first = 0x30 | qos << 1 | Number(retain);
      const ids = qos > 0 ? [word(id)] : [];
      return [byte(first), text(topic), ...ids, payload];
    }
    case "subscribe": {
      const { id, filter, qos } = packet;
      return [byte(0x82), word(id), text(filter), byte(qos)];
    }
    case "unsubscribe":
      return [byte(0xa2), word(packet.id), text(packet.filter)];
    case "pingreq":
      return [byte(0xc0)];
    case "disconnect":
      return [byte(0xe0)];
    default:
      return [byte(ACKNOWLEDGEMENTS[packet.type]), word(packet.id)];
  }
}

/** Reads a packet by its first byte; throws if the bytes are not such a packet. */
function parse(first: number, bytes: Uint8Array): ServerPacket {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (first >> 4 === 3) return parsePublish(first, bytes, view);
  if (first === 0x20) return { type: "connack", code: view.getUint8(1) };
  if (first === 0x90) {
    return { type: "suback", id: view.getUint16(0), code: view.getUint8(2) };
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
  return [text("MQTT"), byte(4), byte(flags), word(keepAlive), ...parts];
}

function byte(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** An integer of 16 bits, such as a length. */
function word(value: number): Uint8Array {
  if (Number.isInteger(value) && value <= 0xffff) {
    return Uint8Array.of(value >> 8, value);
  }
  throw new RangeError(
    `Cannot encode: keepAlive or a length is ${value}, expected an integer of at most 65535`,
  );
}

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  return concat([word(bytes.length), bytes]);
}
