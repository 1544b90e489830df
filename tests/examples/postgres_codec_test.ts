import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { postgres } from "../../examples/postgres/codec.ts";
import type { Backend, Frontend } from "../../examples/postgres/messages.ts";
import { logIn } from "../../examples/postgres/scram.ts";
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

/** A message of which only the type matters. */
function only(
  type: "ParseComplete" | "BindComplete" | "ReadyForQuery" | "CopyDone",
): Backend {
  return { type, body: undefined };
}

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
      only("ParseComplete"),
      only("BindComplete"),
      {
        type: "RowDescription",
        body: [{ name: "id", type: 23 }, { name: "näme", type: 25 }],
      },
      { type: "DataRow", body: ["12", null] },
      { type: "CommandComplete", body: "SELECT 1" },
      only("ReadyForQuery"),
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
        body: { S: "WARNING", C: "01000", M: "beware" },
      },
      {
        type: "NotificationResponse",
        body: { processId: 42, channel: "news", payload: "it works" },
      },
      { type: "ParameterStatus", body: ["TimeZone", "UTC"] },
      {
        type: "BackendKeyData",
        body: Uint8Array.of(0, 0, 0, 42, 255, 255, 255, 249),
      },
      { type: "Authentication", body: { code: 0, data: data("") } },
    ],
  },
  "data of a copy": {
    input: join(message("d", "1\tred\n"), message("d"), message("c")),
    messages: [
      { type: "CopyData", body: data("1\tred\n") },
      { type: "CopyData", body: data("") },
      only("CopyDone"),
    ],
  },
  "up to a type that does not exist": {
    input: join(message("Z", "I"), message("?")),
    messages: [only("ReadyForQuery")],
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

Deno.test("postgres() encodes numbers, text and bytes behind a letter and a length", () => {
  const output = new WriteBuffer();
  const codec = postgres();
  codec.encode({ type: "Sync" }, output);
  codec.encode({ type: "StartupMessage", body: [0x30000, "é\0"] }, output);
  codec.encode({ type: "Bind", body: [-1, Uint8Array.of(7)] }, output);
  assertEquals(
    output.take(),
    join(
      message("S"),
      Uint8Array.of(0, 0, 0, 11, 0, 3, 0, 0, 0xc3, 0xa9, 0),
      message("B", [-1, 4], "\x07"),
    ),
  );
});

Deno.test("postgres() sends nothing of a message that cannot be encoded", () => {
  const output = new WriteBuffer();
  const codec = postgres();
  const long: Frontend = { type: "Bind", body: ["some", 2 ** 40] };
  assertThrows(() => output.encode(codec, long), RangeError);
  const wrong: Frontend = { type: "CopyData", body: [{} as Uint8Array] };
  assertThrows(() => output.encode(codec, wrong), TypeError);
  output.encode(codec, { type: "Sync" });
  assertEquals(output.take(), message("S"));
});

/** What a server asks: a code, and data that may continue the client's nonce. */
type Request = readonly [code: number, data?: string];

/** Logs in at a server that asks this, whatever it is answered. */
async function loggedIn(...requests: Request[]): Promise<Frontend[]> {
  const answers: Frontend[] = [];
  let nonce = "";
  await logIn("pencil", (answer) => {
    if (answer) answers.push(answer);
    if (answer?.type === "SASLInitialResponse") {
      nonce = `${answer.body?.at(-1)}`.slice("n,,n=,r=".length);
    }
    const [code = 0, data = ""] = requests.shift() ?? [];
    const bytes = new TextEncoder().encode(data.replace("NONCE", nonce));
    const body = { code, data: bytes };
    return Promise.resolve({ type: "Authentication", body });
  });
  return answers;
}

const MECHANISMS = [10, "SCRAM-SHA-256\0\0"] as const;
const CHALLENGE = [11, "r=NONCEx,s=c2FsdA==,i=4096"] as const;

for (
  const [name, ...requests] of [
    [
      "that does not know the password",
      ...[MECHANISMS, CHALLENGE, [12, "v=AAAA"]],
    ],
    ["that skips its proof", MECHANISMS, CHALLENGE, [0]],
    [
      "whose nonce does not continue ours",
      ...[MECHANISMS, [11, "r=other,s=c2FsdA==,i=4096"]],
    ],
    ["whose nonce is ours", MECHANISMS, [11, "r=NONCE,s=c2FsdA==,i=4096"]],
    [
      "that wants a million and one iterations",
      ...[MECHANISMS, [11, "r=NONCEx,s=c2FsdA==,i=1000001"]],
    ],
    [
      "that wants no iterations",
      ...[MECHANISMS, [11, "r=NONCEx,s=c2FsdA==,i=0"]],
    ],
    ["with another mechanism", [10, "SCRAM-SHA-1\0\0"]],
    ["that wants MD5", [5, "salt"]],
    ["that wants the password in clear", [3]],
  ] as [name: string, ...Request[]][]
) {
  Deno.test(`PostgreSQL: SCRAM refuses a server ${name}`, async () => {
    assertInstanceOf(await rejection(loggedIn(...requests)), ProtocolError);
  });
}

Deno.test("PostgreSQL: a server that trusts us is told no password", async () => {
  assertEquals(await loggedIn([0]), []);
});
