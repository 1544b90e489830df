import { assertEquals, assertThrows } from "@std/assert";
import { busTransport } from "../../examples/dbus/address.ts";
import { dbus, type Message } from "../../examples/dbus/codec.ts";
import { type Value, Variant } from "../../examples/dbus/types.ts";
import { Writer } from "../../examples/dbus/writer.ts";
import {
  DecodeError,
  MessageTooLargeError,
  ReadBuffer,
  TruncatedMessageError,
  WriteBuffer,
} from "../../mod.ts";
import { EVERYTHING, everything } from "../support/examples/dbus_values.ts";
import { testCodec } from "../../testing/mod.ts";

/** `Ping` as other implementations send it. */
const ping = new TextEncoder().encode(
  "l\x01\x00\x01\x00\x00\x00\x00\x07\x00\x00\x00\x1d\x00\x00\x00" +
    "\x01\x01o\x00\x02\x00\x00\x00/a\x00\x00\x00\x00\x00\x00" +
    "\x03\x01s\x00\x04\x00\x00\x00Ping\x00\x00\x00\x00",
);

const pinged: Message = {
  ...{ type: "call", serial: 7, flags: 0, path: "/a", member: "Ping" },
  body: [],
};

for (const order of ["little", "big"] as const) {
  testCodec(`the codec of D-Bus, ${order} endian`, (options) => {
    return dbus(options, order);
  }, {
    "a call": { input: ping, messages: [pinged] },
    "a message that is cut": {
      input: ping.subarray(0, 40),
      messages: [],
      error: { class: TruncatedMessageError, has: { offset: 0, length: 40 } },
    },
    "another protocol": {
      input: "HTTP/1.1 400 Bad Request\r\n",
      messages: [],
      error: { class: DecodeError, has: { offset: 0 } },
    },
    "a string that passes its message": {
      input: ping.map((byte, at) => at === 36 ? 0xff : byte),
      messages: [],
      error: { class: DecodeError, has: { offset: 0 } },
    },
    "a message of 4 GB": {
      input: ping.map((byte, at) => at === 7 ? 0xff : byte),
      messages: [],
      error: { class: MessageTooLargeError, has: { offset: 0 } },
    },
  }, {
    messages: {
      generate: () => ({
        value: { ...pinged, signature: EVERYTHING, body: everything },
      }),
    },
    sized: (bytes) => ({
      ...pinged,
      signature: "ay",
      body: [new Uint8Array(bytes)],
    }),
  });
}

function write(signature: string, value: Value): void {
  new Writer("little").writeAll(signature, [value]);
}

Deno.test("D-Bus: values that are not of their type are refused", () => {
  for (
    const [signature, value] of [
      ["y", 256],
      ["y", 1.5],
      ["i", "1"],
      ["t", 1],
      ["s", "a\0b"],
      ["(ii)", [1]],
      ["as", ["a", 1]],
      ["v", "a"],
      ["a{sv}", [["a", 1]]],
    ] as [string, Value][]
  ) {
    assertThrows(() => write(signature, value));
  }
  for (const signature of ["(", "()", "a", "z", "{s}", "a".repeat(40) + "s"]) {
    assertThrows(() => write(signature, 1), TypeError);
  }
});

Deno.test("D-Bus: a variant has one type, and is not within 64 others", () => {
  const nested = (depth: number) => {
    let value: Value = 1;
    let signature = "y";
    for (let n = 0; n < depth; n++) {
      value = new Variant(signature, value);
      signature = "v";
    }
    return value;
  };
  const codec = dbus();
  const decoded = (value: Value) => {
    const output = new WriteBuffer();
    codec.encode({ ...pinged, signature: "v", body: [value] }, output);
    const input = new ReadBuffer();
    input.append(output.take());
    return codec.decode(input)?.body;
  };
  assertEquals(decoded(nested(64)), [nested(64)]);
  assertThrows(() => decoded(nested(65)), DecodeError);
  for (const signature of ["", "yy"]) {
    const value = new Variant(signature, 1);
    assertThrows(() => decoded(value), TypeError);
  }
});

Deno.test("D-Bus: addresses of buses become transports", () => {
  for (
    const [address, transport] of [
      ["unix:path=/run/user/1000/bus,guid=12ab", "unix:/run/user/1000/bus"],
      ["unix:abstract=/tmp/a%20b", "unix:@/tmp/a b"],
      ["nonsense:;tcp:host=localhost,port=12", "tcp://localhost:12"],
    ] as const
  ) {
    assertEquals(`${busTransport(address)}`, transport);
  }
  assertThrows(() => busTransport("autolaunch:"), TypeError, "autolaunch:");
});
