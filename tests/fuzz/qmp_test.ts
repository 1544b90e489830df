import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { concat } from "@std/bytes";
import { toText } from "@std/streams";
import fc from "fast-check";
import { ConnectError } from "../../protocol/mod.ts";
import { CommandError, QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { cutAt } from "../../testing/_codec_checks/decoding.ts";
import { bytesOf, fuzz } from "./fuzz.ts";

const GREETING = '{"QMP":{"version":{"qemu":{"major":7,"minor":2,"micro":22},' +
  '"package":""},"capabilities":["oob"]}}';

/** The messages of a server that follows the rules until the first command. */
const HANDSHAKE = new TextEncoder().encode(GREETING + '{"return":{},"id":1}');

const words = bytesOf(
  ...[GREETING, GREETING, GREETING + "\r\n", GREETING.replace('["oob"]', "0")],
  ...['{"return":{}', ',"id":', '"', "}", "\r\n", "{", "[", "]", "null", "1"],
  ...[
    '{"return":{},"id":1}',
    '{"return":{},"id":2}',
    '{"return":{},"id":3}',
    '{"return":{}}',
  ],
  ...['{"QMP":', '{"QMP":{}}', '{"QMP":null}', '{"error":', '{"event":'],
  ...['{"error":{"class":"GenericError","desc":"no"},"id":2}'],
  ...['{"error":{"class":"GenericError","desc":"no"}}', '{"error":1,"id":2}'],
  ...['{"event":"STOP","timestamp":{"seconds":1,"microseconds":2}}'],
  ...['{"event":"STOP"}', '{"event":1}', '{"__proto__":{"id":0}}'],
  ...['{"id":"__proto__","return":1}', '{"id":"constructor","return":1}'],
  ...['{"id":12345678901234567890,"return":9007199254740993}'],
  ...[[0xff], [0xc0, 0xaf], [0]],
);
const server = fc.oneof(
  words,
  words.map((rest) => concat([HANDSHAKE, rest])),
);
let established = 0;
Deno.test.afterAll(() => console.log(`${established} sessions established`));
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }));

fuzz(
  "A QMP client's handshake and its commands",
  fc.tuple(server, fractions),
  async ([bytes, fractions]) => {
    const client = new QMPClient();
    const [near, far] = memoryPair();
    // It would wait for the server's next message: this one sends no more.
    const said = (async () => {
      const writer = far.writable.getWriter();
      for (const chunk of cutAt(bytes, fractions)) await writer.write(chunk);
      await writer.close();
    })();
    said.catch(() => {});
    try {
      await client.connect(near);
      established++;
      const results = await Promise.allSettled([
        client.execute("query-status"),
        client.execute("stop", undefined, { oob: true }),
      ]);
      for (const { status, ...result } of results) {
        if (status === "rejected") {
          assert("reason" in result);
          assertInstanceOf(result.reason, Error);
        }
      }
    } catch (error) {
      assertInstanceOf(error, ConnectError);
      assertInstanceOf(error.cause, Error);
    }
    await client.disconnect().catch((error) => assertInstanceOf(error, Error));
    assertEquals(client.runstate, "idle");
    far.abort();
  },
);

const commands = bytesOf(
  ...['{"execute":"qmp_capabilities"}', '{"execute":"echo","id":1}', "\n"],
  ...['{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}'],
  ...['{"execute":"echo","arguments":{"text":"a"},"id":"__proto__"}', "{}"],
  ...['{"exec-oob":"echo","id":2}', '{"exec-oob":"echo"}', '{"execute":1}'],
  ...['{"execute":"__proto__"}', '{"execute":"constructor","id":null}', "[]"],
  ...['{"execute":"query-commands"}', '{"execute":"echo","arguments":1}'],
  ...['{"execute":"quit"}', '{"execute":"echo","exec-oob":"echo"}', "{", "}"],
  ...[
    '{"execute":"fail","id":[1]}',
    '"',
    "1",
    "null",
    '{"id":12345678901234567890}',
  ],
  ...[
    "{'execute':'echo','id':'it\\'s'}",
    "'",
    "\\",
    "@",
    "x",
    "POST / HTTP/1.1",
  ],
  ...[[0xff], [0], [1], [0xc0, 0xaf], [0x16, 3]],
);
let answers = 0;
Deno.test.afterAll(() => console.log(`${answers} answers of the server`));

fuzz("A QMP server", fc.tuple(commands, fractions), async (input) => {
  const [bytes, fractions] = input;
  await using server = new QMPServer({
    commands: {
      echo: { run: ({ text = "" }) => ({ text }), oob: true },
      fail: () => {
        throw new CommandError("GenericError", "no");
      },
    },
  });
  const session = server.createSession();
  const [near, far] = memoryPair();
  const said = (async () => {
    const writer = far.writable.getWriter();
    for (const chunk of cutAt(bytes, fractions)) await writer.write(chunk);
    await writer.close();
  })();
  said.catch(() => {});
  const heard = toText(far.readable).catch(() => "");
  await session.connect(near).catch((error) =>
    assertInstanceOf(error, ConnectError)
  );
  await session.closed.catch((error) => assertInstanceOf(error, Error));
  await session.disconnect().catch(() => {});
  assertEquals(session.runstate, "idle");
  for (const line of (await heard).trim().split("\r\n")) {
    const answer = line === "" ? { QMP: {} } : JSON.parse(line);
    assert("QMP" in answer || "return" in answer || "error" in answer, line);
    answers++;
  }
  far.abort();
});
