import { assertEquals, assertThrows } from "@std/assert";
import type { SchemaInfo } from "../../qmp/_schema/schema_info.ts";
import { parseLine, parseValue } from "../../qmp/_shell/command_line.ts";
import { Guide } from "../../qmp/_shell/guide.ts";
import { HumanDialect } from "../../qmp/_shell/human_dialect.ts";
import { parseOptions, UsageError } from "../../qmp/_shell/options.ts";
import { QMPDialect } from "../../qmp/_shell/qmp_dialect.ts";
import { LineError, splitWords } from "../../qmp/_shell/words.ts";
import { connected } from "../support/qmp/connected.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";

const ignorant = new Guide();

/** The arguments of a line, without a schema of the server. */
function argumentsOf(line: string): unknown {
  return parseLine(line, ignorant, () => undefined).args;
}

const words: [string, string[]][] = [
  ["", []],
  ["  one\ttwo  three ", ["one", "two", "three"]],
  [`a={"b": [1, 2]} c`, [`a={"b": [1, 2]}`, "c"]],
  [`{"a": "}"} b`, [`{"a": "}"}`, "b"]],
  [`a="b c" d='e "f' g`, [`a="b c"`, `d='e "f'`, "g"]],
  [String.raw`a="b\" c" d`, [String.raw`a="b\" c"`, "d"]],
  ["don't a=it's", ["don't", "a=it's"]],
  ["a=} b=1 }]", ["a=}", "b=1", "}]"]],
];

for (const [line, expected] of words) {
  Deno.test(`words of a line: ${JSON.stringify(line)}`, () => {
    assertEquals(splitWords(line), expected);
  });
}

const lines: [string, unknown][] = [
  ["x", {}],
  ["x a=b", { a: "b" }],
  ["x a=", { a: "" }],
  ["x a=b=c", { a: "b=c" }],
  ["x a=5 b=-1.5 c=true d=null", { a: 5, b: -1.5, c: true, d: null }],
  ["x a=9223372036854775807", { a: 9223372036854775807n }],
  [`x a="5" b='6'`, { a: "5", b: "6" }],
  ["x a=/dev/disk/by-id/5:3", { a: "/dev/disk/by-id/5:3" }],
  ["x a.b.c=1 a.b.d=2 a.e=3", { a: { b: { c: 1, d: 2 }, e: 3 } }],
  [`x {"a": 1, "b": {"c": 2}} b.d=3`, { a: 1, b: { c: 2, d: 3 } }],
  [`x a=[1,"2"] a-b_c=5`, { a: [1, "2"], "a-b_c": 5 }],
  ["x a=1 a=2", { a: 2 }],
];

for (const [line, expected] of lines) {
  Deno.test(`arguments of a line: ${line}`, () => {
    assertEquals(argumentsOf(line), expected);
  });
}

const refused: [string, string][] = [
  ["x y", "Cannot read the argument y: expected key=value or a JSON object"],
  ["x =y", "Cannot read the argument =y: expected key=value or a JSON object"],
  [
    "x [1]",
    "Cannot read the argument [1]: expected key=value or a JSON object",
  ],
  ["x a={b}", "Cannot read the value {b}: it is not JSON"],
  ["x {b}", "Cannot read the value {b}: it is not JSON"],
  ["x a=[1", "Cannot read a=[1: a bracket is open"],
  ["x a='b", "Cannot read 'b: quotes are open"],
  ["x a..b=1", "Cannot read the key a..b: a part of it is empty"],
  ["x a=1 a.b=2", "Cannot set a.b: a is not an object"],
];

for (const [line, message] of refused) {
  Deno.test(`a line that is not a command: ${line}`, () => {
    const error = assertThrows(() => argumentsOf(line), LineError);
    assertEquals(error.message, message);
  });
}

const special: [string, string][] = [
  ["x __proto__=1", '{"__proto__":1}'],
  ["x __proto__.evil=1", '{"__proto__":{"evil":1}}'],
  ['x {"__proto__": {"evil": 1}} a=2', '{"__proto__":{"evil":1},"a":2}'],
  [
    "x constructor.prototype.evil=1",
    '{"constructor":{"prototype":{"evil":1}}}',
  ],
  ["x a.__proto__.__proto__=1", '{"a":{"__proto__":{"__proto__":1}}}'],
];

for (const [line, expected] of special) {
  Deno.test(`a key that is special to JavaScript is a normal key: ${line}`, () => {
    assertEquals(JSON.stringify(argumentsOf(line)), expected);
    assertEquals(({} as { evil?: unknown }).evil, undefined);
  });
}

const values: [string, string[], unknown][] = [
  ["5", ["string"], "5"],
  ["true", ["string"], "true"],
  [`"5"`, ["string"], "5"],
  ["5", ["string", "int"], 5],
  ["5", ["string", "null"], "5"],
  ["null", ["string", "null"], null],
  ["5", ["number"], 5],
  ["x", ["int"], "x"],
  ["5", ["value"], 5],
];

for (const [text, kinds, expected] of values) {
  Deno.test(`a value for which the server expects ${kinds.join(" or ")}: ${text}`, () => {
    assertEquals(parseValue(text, kinds), expected);
  });
}

Deno.test("a dialect reads commands, messages and comments", () => {
  const dialect = new QMPDialect(ignorant);
  assertEquals(dialect.read(" stop "), { execute: "stop" });
  assertEquals(dialect.read("x a=1"), { execute: "x", arguments: { a: 1 } });
  assertEquals(dialect.read('{"exec-oob": "x"}'), { "exec-oob": "x" });
  assertEquals(dialect.read("# stop"), undefined);
  assertEquals(dialect.read("  "), undefined);
});

Deno.test("a transaction takes several lines, or one", () => {
  const dialect = new QMPDialect(ignorant);
  const expected = {
    execute: "transaction",
    arguments: {
      actions: [
        { type: "one", data: { a: 1 } },
        { type: "two", data: {} },
      ],
    },
  };
  assertEquals(dialect.read("transaction("), undefined);
  assertEquals([dialect.prompt, dialect.unfinished], ["transaction> ", true]);
  assertEquals(dialect.read("one a=1"), undefined);
  assertEquals(dialect.read("two"), undefined);
  assertEquals(dialect.read(")"), expected);
  assertEquals([dialect.prompt, dialect.unfinished], ["qmp> ", false]);

  assertEquals(dialect.read("transaction( one a=1"), undefined);
  assertEquals(dialect.read("two )"), expected);
  assertEquals(dialect.read("transaction( one a=(1) )"), {
    execute: "transaction",
    arguments: { actions: [{ type: "one", data: { a: "(1)" } }] },
  });
});

Deno.test("a transaction with a line that is not an action is dropped", () => {
  const dialect = new QMPDialect(ignorant);
  dialect.read("transaction(");
  dialect.read("one");
  assertThrows(() => dialect.read("two three"), LineError);
  assertEquals(dialect.read("stop"), { execute: "stop" });
});

Deno.test("the human dialect passes lines on, and completes the commands of help", () => {
  const dialect = new HumanDialect(
    "help|? [cmd] -- show the help\r\ninfo [subcommand] -- show\r\nquit  -- quit\r\n",
  );
  assertEquals(dialect.read("info status"), {
    execute: "human-monitor-command",
    arguments: { "command-line": "info status" },
  });
  assertEquals(dialect.read(" "), undefined);
  assertEquals(dialect.complete(""), [["help", "?", "info", "quit"], ""]);
  assertEquals(dialect.complete("q"), [["quit"], "q"]);
  assertEquals(dialect.complete("help in"), [["info"], "in"]);
  assertEquals(dialect.complete("info q"), [[], "q"]);
  assertEquals(dialect.textOf("one\r\ntwo\r\n"), "one\r\ntwo");
});

Deno.test({
  name: "QEMU's schema decides how values are read, and completes lines",
  ...needs("qemu-system-x86_64"),
  fn: async (test) => {
    await using server = await startQemu();
    await using client = await connected(server);
    const infos = await client.execute("query-qmp-schema") as SchemaInfo[];
    const guide = new Guide(infos);

    await test.step("values", () => {
      const dialect = new QMPDialect(guide);
      const read = (line: string) => dialect.read(line)?.arguments;
      assertEquals(read("device_del id=5"), { id: "5" });
      assertEquals(
        read("blockdev-add node-name=5 file=7 read-only=true driver=qcow2"),
        { "node-name": "5", file: "7", "read-only": true, driver: "qcow2" },
      );
      assertEquals(
        read("blockdev-add driver=raw file.driver=file file.filename=5"),
        { driver: "raw", file: { driver: "file", filename: "5" } },
      );
      assertEquals(
        read("blockdev-add driver=null-co size=512 node-name=null"),
        {
          driver: "null-co",
          size: 512,
          "node-name": "null",
        },
      );
      dialect.read("transaction(");
      dialect.read("blockdev-snapshot node=1 overlay=2");
      assertEquals(dialect.read(")")?.arguments, {
        actions: [
          { type: "blockdev-snapshot", data: { node: "1", overlay: "2" } },
        ],
      });
    });

    const completions: [string, string[], string][] = [
      ["query-ver", ["query-version "], "query-ver"],
      ["trans", ["transaction ", "transaction( "], "trans"],
      ["query-version ", [], ""],
      ["device_del ", ["id="], ""],
      ["device_del id=5 ", [], ""],
      ["nothing-like-that a", [], "a"],
      ["device_del 'a b", [], "b"],
      [
        "blockdev-add driver=qc",
        ["driver=qcow ", "driver=qcow2 "],
        "driver=qc",
      ],
      ["blockdev-add driver=null-co si", ["size="], "si"],
      ["blockdev-add driver=file si", [], "si"],
      [
        "blockdev-add driver=raw read-only=",
        ["read-only=true ", "read-only=false "],
        "read-only=",
      ],
      ["blockdev-add driver=raw f", ["force-share=", "file.", "file="], "f"],
      [
        "blockdev-add driver=raw file.driver=fi",
        ["file.driver=file "],
        "file.driver=fi",
      ],
      [
        "blockdev-add driver=raw file.driver=file file.fi",
        ["file.filename="],
        "file.fi",
      ],
      ["transaction( blockdev-b", ["blockdev-backup "], "blockdev-b"],
      ["transaction( blockdev-backup sp", ["speed="], "sp"],
    ];
    for (const [line, candidates, word] of completions) {
      await test.step(`completion: ${line}`, () => {
        const dialect = new QMPDialect(guide);
        assertEquals(dialect.complete(line), [candidates, word]);
      });
    }

    await test.step("completion within a transaction", () => {
      const dialect = new QMPDialect(guide);
      dialect.read("transaction(");
      assertEquals(dialect.complete("ab"), [["abort "], "ab"]);
      assertEquals(dialect.complete(")"), [[") "], ")"]);
      assertEquals(dialect.complete("blockdev-backup sync=t"), [
        ["sync=top "],
        "sync=t",
      ]);
    });
  },
});

Deno.test("without a schema, nothing is completed", () => {
  const dialect = new QMPDialect(ignorant);
  assertEquals(dialect.complete("quer"), [[], "quer"]);
  assertEquals(dialect.complete("x a"), [[], "a"]);
});

Deno.test("the command line has an address and options", () => {
  const { transport, ...options } = parseOptions(["unix:/x"]) ?? {};
  assertEquals(String(transport), "unix:/x");
  assertEquals(options, {
    address: "unix:/x",
    command: undefined,
    json: false,
    pretty: undefined,
    hmp: false,
    agent: false,
  });
  const all = ["-H", "-c", "stop", "--json", "--no-pretty", "tcp://[::1]:5"];
  const { command, json, hmp, pretty, address } = parseOptions(all) ?? {};
  assertEquals([command, json, hmp, pretty], ["stop", true, true, false]);
  assertEquals(address, "tcp://[::1]:5");
  assertEquals(parseOptions(["--help"]), undefined);
  assertEquals(parseOptions(["-h", "nonsense"]), undefined);
});

const wrong: [string[], string][] = [
  [[], "Cannot connect: 0 addresses, expected one"],
  [["unix:/x", "unix:/y"], "Cannot connect: 2 addresses, expected one"],
  [["--colour", "unix:/x"], "Unknown option: --colour"],
  [["-x", "unix:/x"], "Unknown option: -x"],
  [
    ["--agent", "--hmp", "unix:/x"],
    "Cannot use --hmp with --agent: an agent has no HMP",
  ],
];

for (const [args, message] of wrong) {
  Deno.test(`a wrong command line is refused: ${args.join(" ")}`, () => {
    const error = assertThrows(() => parseOptions(args), UsageError);
    assertEquals(error.message, message);
  });
}
