import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  mqtt,
  type MqttMessage,
  type Packet,
  type QoS,
} from "../../examples/mqtt/codec.ts";
import { matches } from "../../examples/mqtt/topics.ts";
import { DecodeError, TruncatedMessageError, WriteBuffer } from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";

const bytes = (value: string) => new TextEncoder().encode(value);

const publish = (rest: Partial<MqttMessage>, id?: number): Packet => ({
  type: "publish",
  id,
  message: {
    topic: "a/b",
    payload: bytes("hi"),
    qos: 0,
    retain: false,
    ...rest,
  },
});

const anyPublish = fc.tuple(
  fc.record({
    topic: fc.string(),
    payload: fc.uint8Array(),
    qos: fc.constantFrom<QoS>(1, 2),
    retain: fc.boolean(),
  }),
  fc.nat(0xffff),
).map(([message, id]) => publish(message, id));

testCodec<Packet>("mqtt()", mqtt, {
  "a message of each QoS, retained and sent again": {
    input: Uint8Array.of(
      ...[0x30, 7, 0, 3, 0x61, 0x2f, 0x62, 0x68, 0x69],
      ...[0x33, 7, 0, 3, 0x61, 0x2f, 0x62, 1, 2],
      ...[0x3c, 9, 0, 3, 0x61, 0x2f, 0x62, 0, 9, 0x68, 0x69],
    ),
    messages: [
      publish({}),
      publish({ qos: 1, retain: true, payload: bytes("") }, 258),
      publish({ qos: 2 }, 9),
    ],
  },
  "acknowledgements": {
    input: Uint8Array.of(
      ...[0x40, 2, 0, 1, 0x50, 2, 0, 2, 0x62, 2, 0, 3, 0x70, 2, 0, 4],
      ...[0xb0, 2, 255, 255],
    ),
    messages: [
      { type: "puback", id: 1 },
      { type: "pubrec", id: 2 },
      { type: "pubrel", id: 3 },
      { type: "pubcomp", id: 4 },
      { type: "unsuback", id: 65_535 },
    ],
  },
  "the other answers of a server": {
    input: Uint8Array.of(0x20, 2, 1, 0, 0x90, 3, 0, 1, 2, 0xd0, 0),
    messages: [
      { type: "connack", id: 0, code: 0 },
      { type: "suback", id: 1, code: 2 },
      { type: "pingresp", id: 0 },
    ],
  },
  "up to a topic that is longer than its packet": {
    input: Uint8Array.of(0xd0, 0, 0x30, 3, 0, 2, 0x61),
    messages: [{ type: "pingresp", id: 0 }],
    error: { class: DecodeError, has: { offset: 2 } },
  },
  "up to an acknowledgement without its id": {
    input: Uint8Array.of(0x40, 1, 0),
    messages: [],
    error: { class: DecodeError },
  },
  "up to a topic that is not UTF-8": {
    input: Uint8Array.of(0x30, 3, 0, 1, 0xff),
    messages: [],
    error: { class: DecodeError, cause: TypeError },
  },
  "up to a QoS of 3": {
    input: Uint8Array.of(0x36, 2, 0, 0),
    messages: [],
    error: { class: DecodeError },
  },
  "up to a length of five bytes": {
    input: Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0),
    messages: [],
    error: { class: DecodeError, has: { offset: 0 } },
  },
  "up to the end within a packet": {
    input: Uint8Array.of(0x40, 2, 0),
    messages: [],
    error: { class: TruncatedMessageError },
  },
}, {
  messages: anyPublish,
  sized: (count) => publish({ payload: new Uint8Array(count) }),
});

for (const keepAlive of [70_000, 0.5]) {
  Deno.test(`mqtt() refuses a keepAlive of ${keepAlive}, and names it`, () => {
    const packet = { type: "connect", login: { keepAlive } } as const;
    assertThrows(
      () => mqtt().encode(packet, new WriteBuffer()),
      RangeError,
      `Cannot encode: keepAlive or a length is ${keepAlive}, expected an integer from 0 to 65535`,
    );
  });
}

Deno.test("MQTT: filters match topics as the standard's examples do (§4.7)", () => {
  const table: [string, string, boolean][] = [
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score", true],
    ["sport/#", "sport", true],
    ["#", "sport/tennis", true],
    ["sport/tennis/+", "sport/tennis/player1", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/monitor", false],
    ["+/monitor", "$SYS/monitor", false],
    ["$SYS/#", "$SYS/monitor", true],
  ];
  for (const [filter, topic, expected] of table) {
    assertEquals(matches(filter, topic), expected, `${filter} ${topic}`);
  }
});
