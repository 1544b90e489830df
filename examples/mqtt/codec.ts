import {
  type Codec,
  type CodecOptions,
  DecodeError,
  lengthPrefixed,
} from "@parley/parley";
import { concat } from "@std/bytes";

/** At most once, at least once, exactly once. */
export type QoS = 0 | 1 | 2;

/** A message that was published. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** Whether it is kept for subscribers to come, or was kept for this one. */
  readonly retain: boolean;
}

/** How a client introduces itself. */
export interface Login {
  /** Tells clients apart; the server makes one up if it is not given. */
  clientId?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** What the server publishes if this client vanishes. */
  will?: MqttMessage | undefined;
  /**
   * After how many seconds of silence either side is taken for dead: an integer
   * from 1 to 65,535; 60 if it is not given.
   */
  keepAlive?: number | undefined;
}

/**
 * A packet of either side. The client's get their ids when they are sent; an
 * answer to a packet without an id has 0.
 */
export type Packet =
  | { type: "connect"; login: Login }
  | { type: "publish"; id?: number | undefined; message: MqttMessage }
  | { type: "subscribe"; id?: number; filter: string; qos: QoS }
  | { type: "unsubscribe"; id?: number; filter: string }
  | { type: "pingreq" | "disconnect"; id?: number }
  | { type: Answer; id: number; code?: number };

type Answer = keyof typeof ANSWERS;

/** The packets that answer others, by their first byte (§2.2). */
const ANSWERS = {
  connack: 0x20,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  suback: 0x90,
  unsuback: 0xb0,
  pingresp: 0xd0,
};
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Makes the codec of a client's session: MQTT 3.1.1, §2 and §3. */
export function mqtt(
  { maxMessageBytes = 1024 * 1024 }: CodecOptions = {},
): Codec<Packet> {
  // A byte that tells the type, then a length and what it counts.
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
        return parse(bytes);
      } catch (cause) {
        const where = { offset, bytes, cause };
        throw new DecodeError("Packet is not MQTT 3.1.1", where);
      }
    },
    encode(packet, output) {
      frames.encode(concat(fieldsOf(packet).map(encodeField)), output);
    },
  };
}

/** Reads a packet; throws if the bytes are not one. */
function parse(bytes: Uint8Array): Packet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const first = view.getUint8(0);
  if (first >> 4 === 3) return parsePublish(bytes, view);
  const answers = Object.keys(ANSWERS) as Answer[];
  const type = answers.find((type) => ANSWERS[type] === first);
  switch (type) {
    case undefined:
      throw new RangeError(`Packet begins with 0x${first.toString(16)}`);
    case "connack":
      return { type, id: 0, code: view.getUint8(2) };
    case "suback":
      return { type, id: view.getUint16(1), code: view.getUint8(3) };
    case "pingresp":
      return { type, id: 0 };
    default:
      return { type, id: view.getUint16(1) };
  }
}

function parsePublish(bytes: Uint8Array, view: DataView): Packet {
  const first = view.getUint8(0);
  const qos = first >> 1 & 3;
  if (qos === 3) throw new RangeError("QoS is 3");
  const end = 3 + view.getUint16(1);
  if (end > bytes.length) throw new RangeError("Topic is longer than packet");
  const message = {
    topic: decoder.decode(bytes.subarray(3, end)),
    payload: bytes.subarray(qos > 0 ? end + 2 : end),
    qos: qos as QoS,
    retain: (first & 1) > 0,
  };
  const id = qos > 0 ? view.getUint16(end) : undefined;
  return { type: "publish", id, message };
}

/**
 * A number has 16 bits, text is counted, and bytes are as they are (§1.5); what
 * is `undefined` is left out.
 */
type Field = number | string | Uint8Array | undefined;

const byte = (value: number) => Uint8Array.of(value);

/** The first byte of a packet, and the fields behind its length. */
function fieldsOf(packet: Packet): Field[] {
  switch (packet.type) {
    case "connect":
      return [byte(0x10), ...loginFields(packet.login)];
    case "publish": {
      const { topic, payload, qos, retain } = packet.message;
      const first = 0x30 | qos << 1 | Number(retain);
      return [byte(first), topic, packet.id, payload];
    }
    case "subscribe":
      return [byte(0x82), packet.id, packet.filter, byte(packet.qos)];
    case "unsubscribe":
      return [byte(0xa2), packet.id, packet.filter];
    case "pingreq":
      return [byte(0xc0)];
    case "disconnect":
      return [byte(0xe0)];
    default:
      return [byte(ANSWERS[packet.type]), packet.id];
  }
}

function loginFields(login: Login): Field[] {
  const { clientId = "", username, password, will, keepAlive = 60 } = login;
  let flags = 0x02; // a clean session
  if (will) flags |= 0x04 | will.qos << 3 | Number(will.retain) << 5;
  if (password !== undefined) flags |= 0x40;
  if (username !== undefined) flags |= 0x80;
  return [
    "MQTT",
    byte(4), // the version, 3.1.1
    byte(flags),
    keepAlive,
    clientId,
    will?.topic,
    will?.payload.length,
    will?.payload,
    username,
    password,
  ];
}

function encodeField(field: Field): Uint8Array {
  if (typeof field === "string") {
    const text = encoder.encode(field);
    return concat([encodeField(text.length), text]);
  }
  if (typeof field !== "number") return field ?? new Uint8Array();
  if (Number.isInteger(field) && field >= 0 && field <= 0xffff) {
    return Uint8Array.of(field >> 8, field);
  }
  throw new RangeError(
    `Cannot encode: keepAlive or a length is ${field}, expected an integer from 0 to 65535`,
  );
}
