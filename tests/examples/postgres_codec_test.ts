import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { postgres, sslAnswer } from "../../examples/postgres/codec.ts";
import type { Backend, Frontend } from "../../examples/postgres/messages.ts";
import { Scram } from "../../examples/postgres/scram.ts";
import {
  DecodeError,
  ProtocolError,
  TruncatedMessageError,
  WriteBuffer,
} from "../../mod.ts";
import { testCodec } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

/** A message of a type, whose body has texts and numbers of `size` bytes. */
function message(
  type: string,
  ...parts: readonly (string | readonly [value: number, size: number])[]
) {
  const body = new WriteBuffer();
  for (const part of parts) {
    if (typeof part === "string") body.text(part);
    else body.int(part[0], part[1]);
  }
  const output = new WriteBuffer();
  output.text(type);
  output.uint(4 + body.length, 4);
  output.bytes(body.take());
  return output.take().slice();
}

function join(...messages: Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((bytes) => [...bytes]));
}

const data = (text: string) => new TextEncoder().encode(text);

testCodec<Backend, Frontend>("postgres()", (options) => postgres(options), {
  "the answer to a query": {
    input: join(
      message("1"),
      message("2"),
      message(
        "T",
        [2, 2],
        ...["id\0", [7, 4], [1, 2], [23, 4], [4, 2], [-1, 4], [0, 2]] as const,
        ...["näme\0", [7, 4], [2, 2], [25, 4], [-1, 2], [-1, 4], [
          0,
          2,
        ]] as const,
      ),
      message("D", [2, 2], [2, 4], "12", [-1, 4]),
      message("C", "SELECT 1\0"),
      message("Z", "I"),
    ),
    messages: [
      { type: "ParseComplete" },
      { type: "BindComplete" },
      {
        type: "RowDescription",
        columns: [{ name: "id", type: 23 }, { name: "näme", type: 25 }],
      },
      { type: "DataRow", values: ["12", null] },
      { type: "CommandComplete", tag: "SELECT 1" },
      { type: "ReadyForQuery" },
    ],
  },
  "what a server says in between": {
    input: join(
      message("N", "SWARNING\0C01000\0Mbeware\0\0"),
      message("A", [42, 4], "news\0", "it works\0"),
      message("S", "TimeZone\0UTC\0"),
      message("K", [42, 4], [-7, 4]),
      message("R", [0, 4]),
    ),
    messages: [
      {
        type: "NoticeResponse",
        fields: { S: "WARNING", C: "01000", M: "beware" },
      },
      {
        type: "NotificationResponse",
        notification: { processId: 42, channel: "news", payload: "it works" },
      },
      { type: "ParameterStatus", name: "TimeZone", value: "UTC" },
      { type: "BackendKeyData", processId: 42, secretKey: -7 },
      { type: "Authentication", code: 0, data: new Uint8Array() },
    ],
  },
  "data of a copy": {
    input: join(message("d", "1\tred\n"), message("d"), message("c")),
    messages: [
      { type: "CopyData", data: data("1\tred\n") },
      { type: "CopyData", data: data("") },
      { type: "CopyDone" },
    ],
  },
  "up to a type that does not exist": {
    input: join(message("Z", "I"), message("?")),
    messages: [{ type: "ReadyForQuery" }],
    error: { class: DecodeError, has: { offset: 6 } },
  },
  "up to a length that is less than its own": {
    input: Uint8Array.of(0x5a, 0, 0, 0, 3, 0, 0),
    messages: [],
    error: { class: DecodeError },
  },
  "up to text without an end": {
    input: message("C", "SELECT 1"),
    messages: [],
    error: { class: DecodeError },
  },
  "up to a value that is longer than its row": {
    input: join(message("D", [1, 2], [9, 4], "12"), message("Z", "I")),
    messages: [],
    error: { class: DecodeError },
  },
  "up to a row that is cut short": {
    input: message("D", [1, 2], [2, 4], "12").subarray(0, 10),
    messages: [],
    error: { class: TruncatedMessageError, has: { offset: 0, length: 10 } },
  },
}, {
  roundTrip: false,
  sizedInput: (bytes) => message("d", "x".repeat(bytes)),
});

testCodec("sslAnswer()", () => sslAnswer(), {
  "one byte, and nothing behind it": {
    input: "SN",
    messages: [
      { type: "SSLResponse", accepted: true },
      { type: "SSLResponse", accepted: false },
    ],
  },
  "up to the error of an old server": {
    input: "E",
    messages: [],
    error: { class: DecodeError },
  },
}, { roundTrip: false });

Deno.test("postgres() encodes numbers, text and bytes behind a letter and a length", () => {
  const output = new WriteBuffer();
  const codec = postgres();
  codec.encode({ type: "Sync" }, output);
  codec.encode({ type: "SSLRequest", body: [80877103] }, output);
  const parameters = ["é", Uint8Array.of(7), null];
  codec.encode({ type: "Bind", name: "s1", parameters }, output);
  assertEquals(
    output.take(),
    join(
      message("S"),
      Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f),
      message(
        "B",
        ...["\0s1\0", [3, 2], [0, 2], [1, 2], [0, 2], [3, 2]] as const,
        ...[[2, 4], "é", [1, 4], "\x07", [-1, 4], [0, 2]] as const,
      ),
    ),
  );
});

Deno.test("postgres() sends nothing of a message that cannot be encoded", () => {
  const output = new WriteBuffer();
  const codec = postgres();
  const parameters = new Array<null>(65_536).fill(null);
  assertThrows(
    () => codec.encode({ type: "Bind", name: "s1", parameters }, output),
    RangeError,
  );
  codec.encode({ type: "Sync" }, output);
  assertEquals(output.take(), message("S"));
});

/** The client's first data for SCRAM. */
function said(message: Frontend | undefined): Uint8Array {
  assert(message?.type === "SASLInitialResponse");
  return message.body?.at(-1) as Uint8Array;
}

Deno.test("SCRAM refuses a server that does not know the password", async () => {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const scram = new Scram("pencil");
  const first = await scram.answer(10, data("SCRAM-SHA-256\0\0"));
  assertEquals(first?.type, "SASLInitialResponse");
  const sent = text(said(first));
  const nonce = sent.slice("n,,n=,r=".length);
  const challenge = `r=${nonce}more,s=${btoa("salt")},i=4096`;
  await scram.answer(11, data(challenge));
  const error = await rejection(scram.answer(12, data("v=AAAA")));
  assertInstanceOf(error, ProtocolError);
  // A server may not skip its proof either, to learn what we send then.
  assertInstanceOf(await rejection(scram.answer(0, data(""))), ProtocolError);
});

for (
  const [name, challenge] of [
    ["whose nonce does not continue ours", "r=other,s=c2FsdA==,i=4096"],
    [
      "that wants a million and one iterations",
      "r=NONCEx,s=c2FsdA==,i=1000001",
    ],
    ["that wants no iterations", "r=NONCEx,s=c2FsdA==,i=0"],
  ] as const
) {
  Deno.test(`SCRAM refuses a server ${name}`, async () => {
    const scram = new Scram("pencil");
    const first = await scram.answer(10, data("SCRAM-SHA-256\0\0"));
    const sent = said(first);
    const nonce = new TextDecoder().decode(sent).slice("n,,n=,r=".length);
    const answer = scram.answer(11, data(challenge.replace("NONCE", nonce)));
    assertInstanceOf(await rejection(answer), ProtocolError);
  });
}

Deno.test("SCRAM refuses MD5 and passwords in clear", async () => {
  for (const code of [3, 5]) {
    const error = await rejection(
      new Scram("pencil").answer(code, data("salt")),
    );
    assertInstanceOf(error, ProtocolError);
  }
});
