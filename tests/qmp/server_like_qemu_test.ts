import { assertEquals } from "@std/assert";
import { memory } from "../../transports/mod.ts";
import { answers, standInForQEMU } from "../support/qmp/like_qemu.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";

const AGREE = '{"execute":"qmp_capabilities"}';
const AGREE_OOB =
  '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}';
const QUERY = '{"execute":"query-name","id":1}';

/** Inputs that are sent after the negotiation. */
const inputs: (string | number[])[] = [
  // Layouts.
  QUERY,
  `${QUERY}\n`,
  `${QUERY}${QUERY}`,
  '\r\n\t {\n"execute"\n:\t"query-name"\r\n}\n\n',
  "{'execute':'query-name','id':'a\"b'}",
  `{"execute":"query-name",'id':"it\\'s"}`,
  "{'execute':'query-name','id':'it\\'s \\\\ \\n'}",
  // Ids are returned unchanged.
  '{"execute":"query-name","id":{"a":[1,2,{"b":null}]}}',
  '{"execute":"query-name","id":null}',
  '{"execute":"query-name","id":1.5}',
  '{"execute":"query-name","id":12345678901234567890}',
  '{"execute":"query-name","id":-9223372036854775808}',
  '{"execute":"query-name","id":"€ 😀 \u007f \\u0001 \\u0000 \\/ < \\b\\f\\t"}',
  // Messages that are not commands.
  ...["1 ", "-0 1.5e3 ", "true ", "null ", '"abc"', "''", "[]", "{}"],
  '{"foo":1,"id":7}',
  '{"execute":null,"id":7}',
  '{"execute":5,"id":7}',
  '{"execute":"query-name","arguments":[],"id":7}',
  '{"execute":"query-name","arguments":null,"id":7}',
  '{"execute":"query-name","control":{},"id":7}',
  '{"execute":"query-name","more":1,"id":7}',
  '{"exec-oob":"query-name","id":7}',
  '{"exec-oob":5,"id":7}',
  '{"execute":"query-name","exec-oob":"query-name","id":7}',
  `[${QUERY}]`,
  // Refused commands.
  AGREE,
  '{"execute":"","id":7}',
  '{"execute":"nope","id":7}',
  '{"execute":"a€b","id":7}',
  '{"execute":"__proto__","id":7}',
  '{"execute":"constructor","arguments":{"toString":1},"id":7}',
  '{"execute":"query-name","arguments":{"x":1}}',
  '{"execute":"query-name","arguments":{"__proto__":1}}',
  '{"execute":"device_del"}',
  '{"execute":"device_del","arguments":{"id":5}}',
  '{"execute":"device_del","arguments":{"id":"€"}}',
  // Order.
  `${QUERY}{"foo":1,"id":2}${QUERY}@${QUERY}1 ${QUERY}{"execute":"nope"}`,
  // Input that is not JSON: the specification's way to a known state.
  ...["\xff", "\x01", "\0", "\x0b", "\x0c", "\x1b", "@"].flatMap((byte) =>
    ["", '{"execute":', '{"execute":"que', "[[[{'"].map((half) =>
      latin1(half + byte)
    )
  ),
  ...["\x7f", "\x80", "\xfe", "X", "_", "%", "/", "+", ".", "E", "-\n"].flatMap(
    (byte) => ["", '{"execute":'].map((half) => latin1(half + byte)),
  ),
  ...['{"a\n', "'a\nb\n", '"\\\n', '"\\\x01', "@ @ @", "XYZ\n", "@\n1\n"],
  ...['@"abc"', "@ 1 ", "1@", "1- 3", "-}", "01", "0000", "1.}", "1e}", "1ex"],
  ...["x1 ", "1x ", "xX ", "x\nx\nx\n", "x x x ", "xyz\n", "\u00e9\n"],
  latin1("\x01\x02\x03"),
  latin1("\xff\xff\xff"),
  latin1("@\xff\xff"),
  ...["]", "}}}", "[}", "[}]", ",", ":", '{"a":1]', '{"execute" "stop"}'],
  ...['{"a":}', "{a:1}", "{1:1}", "[1 2]", "[1,]", '{"a":1,}', "[,]"],
  ...['{"a":01}', '{"a":-}', '{"a":.5}', '{"a":+1}', '{"a":tru}', '{"a":TRUE}'],
  ...[
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    '{"a":"tab\there"}',
    "/* c */",
    "{'a\"}':1}",
  ],
  latin1('{"a":"\xc0\xaf"}'),
  latin1('{"a":"\xed\xa0\x80"}'),
  latin1('{"a":"\xfe"}'),
  '{"execute":"query-name","execute":"query-name"}',
  '{"execute":"query-name","id":[{"a":1,"b":{"c":1,"c":2}}]}',
  '{"execute":"query-name","id":{"__proto__":1,"__proto__":2}}',
  '{"execute":"query-name","id":{"a":1,"\\u0061":2}}',
  '{"execute":"query-name","id":{"__proto__":{"a:":":"},"b":[{},{"c":1}]}}',
  // Depth.
  `${"[".repeat(1024)}${"]".repeat(1024)}`,
  `${"{'a':".repeat(1024)}1${"}".repeat(1024)}`,
];

/** Inputs that are sent right after the greeting. */
const openings: (string | number[])[] = [
  QUERY,
  '{"foo":1,"id":1}',
  '{"exec-oob":"query-name","id":1}',
  `1 @${AGREE}`,
  latin1(`\xff${AGREE}`),
  ...[
    '{"x":1}',
    '{"enable":5}',
    '{"enable":null}',
    '{"enable":[5]}',
    '{"enable":[]}',
    '{"enable":["oob","oob"]}',
    "null",
  ].map((args) => `{"execute":"qmp_capabilities","arguments":${args},"id":3}`),
  `${AGREE_OOB}{"exec-oob":"migrate-pause","id":1}`,
  `${AGREE_OOB}{"exec-oob":"query-name","id":1}`,
  `${AGREE_OOB}{"exec-oob":"migrate-pause"}{"exec-oob":5,"id":1}` +
  '{"exec-oob":"x","foo":1,"id":2}{"exec-oob":"nope","id":4}' +
  '{"exec-oob":"qmp_capabilities","id":5}',
  `${AGREE_OOB}{"exec-oob":"x","execute":"query-name","id":3}`,
  `${QUERY}{"foo":1,"id":2}${AGREE}${QUERY}${AGREE}`,
];

/** The bytes of a text of Latin-1. */
function latin1(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}

Deno.test({
  name: "the same bytes have the same answers from QMPServer as from real QEMU",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using qemu = await startQemu();
    await using server = standInForQEMU();
    const transport = memory();
    server.serve(await transport.listen());
    const bytesOf = (input: string | number[]) =>
      typeof input === "string" ? [...new TextEncoder().encode(input)] : input;
    const all = [
      ...openings.map(bytesOf),
      ...inputs.map((input) => [...latin1(AGREE), ...bytesOf(input)]),
    ];
    for (const input of all.map((bytes) => Uint8Array.from(bytes))) {
      const shown = new TextDecoder().decode(input.subarray(0, 200));
      assertEquals(
        await answers(await transport.connect(), input),
        await answers(await qemu.transport.connect(), input),
        JSON.stringify(shown),
      );
    }
    console.log(`${all.length} inputs are answered alike`);
  },
});
