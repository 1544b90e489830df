import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { QMPClient, QMPServer } from "../../qmp/mod.ts";
import type { SchemaInfo } from "../../qmp/_schema/schema_info.ts";
import { readSchema } from "../../qmp/_schema/read_schema.ts";
import { typescriptOf } from "../../qmp/_schema/typescript.ts";
import { memory, unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { runDeno } from "../support/program.ts";
import { needs, startQemu, startStorageDaemon } from "../support/qemu.ts";

const flags = ["--allow-net", "--allow-read", "--allow-write"];

/** The types without the part that is the same for every server. */
function typesOf(infos: SchemaInfo[]): string {
  const text = typescriptOf(infos, "A test.");
  return text.slice(text.indexOf("export interface Schema"));
}

const str = { name: "str", "meta-type": "builtin", "json-type": "string" };
const int = { name: "int", "meta-type": "builtin", "json-type": "int" };
const nothing = { name: "0", "meta-type": "object", members: [] };
const colour = {
  name: "1",
  "meta-type": "enum",
  members: [{ name: "red" }, { name: "dark-blue" }],
  values: ["red", "dark-blue"],
};

/** A command with these types, and more members of its description. */
function command(name: string, args: string, result: string, more = {}) {
  return {
    name,
    "meta-type": "command",
    "arg-type": args,
    "ret-type": result,
    ...more,
  };
}

const cases: [string, object[], string][] = [
  [
    "a command without arguments and results",
    [command("stop", "0", "0"), nothing],
    `export interface Schema {
  commands: {
    stop: { arguments: Record<string, never>; returns: Record<string, unknown> };
  };
  events: {
  };
}
`,
  ],
  [
    "an enumeration is closed in arguments and open in results",
    [
      command("paint", "2", "[2]", { "allow-oob": true }),
      {
        name: "2",
        "meta-type": "object",
        members: [
          { name: "colour", type: "1" },
          { name: "other-colours", type: "[1]", default: null },
        ],
      },
      { name: "[1]", "meta-type": "array", "element-type": "1" },
      { name: "[2]", "meta-type": "array", "element-type": "2" },
      colour,
    ],
    `export interface Schema {
  commands: {
    /**
     * It may be executed out of band.
     */
    paint: { arguments: PaintArguments; returns: PaintResult[] };
  };
  events: {
  };
}

export interface PaintArguments {
  colour: PaintArgumentsColour;
  "other-colours"?: readonly PaintArgumentsColour[];
}

export interface PaintResult {
  colour: PaintArgumentsColour | Other;
  "other-colours"?: (PaintArgumentsColour | Other)[];
}

export type PaintArgumentsColour = "red" | "dark-blue";
`,
  ],
  [
    "an enumeration of a server before QEMU 6.2 has only values",
    [
      { name: "PAINTED", "meta-type": "event", "arg-type": "2" },
      { name: "DRY", "meta-type": "event", "arg-type": "0" },
      {
        name: "2",
        "meta-type": "object",
        members: [{ name: "colour", type: "1" }],
      },
      { name: "1", "meta-type": "enum", values: ["red"] },
      nothing,
    ],
    `export interface Schema {
  commands: {
  };
  events: {
    DRY: undefined;
    PAINTED: PaintedData;
  };
}

export interface PaintedData {
  colour: PaintedDataColour | Other;
}

export type PaintedDataColour = "red";
`,
  ],
  [
    "variants, alternates, features, and an object within itself",
    [
      command("draw", "2", "int", { features: ["unstable", "deprecated"] }),
      {
        name: "2",
        "meta-type": "object",
        members: [
          { name: "kind", type: "3" },
          { name: "under", type: "4", default: null },
          { name: "size", type: "num", features: ["deprecated"] },
        ],
        tag: "kind",
        variants: [
          { case: "disc", type: "5" },
          { case: "ball", type: "5" },
          { case: "void", type: "0" },
        ],
      },
      {
        name: "3",
        "meta-type": "enum",
        members: ["disc", "ball", "void", "dot"].map((name) => ({ name })),
      },
      {
        name: "4",
        "meta-type": "alternate",
        members: [{ type: "2" }, { type: "str" }, { type: "null" }],
      },
      {
        name: "5",
        "meta-type": "object",
        members: [
          { name: "radius", type: "int" },
          { name: "lining", type: "6" },
        ],
      },
      { name: "6", "meta-type": "what is not known yet" },
      { name: "num", "meta-type": "builtin", "json-type": "number" },
      { name: "null", "meta-type": "builtin", "json-type": "null" },
      ...[str, int, nothing],
    ],
    `export interface Schema {
  commands: {
    /**
     * Features: unstable.
     *
     * @deprecated It may be gone in a later version of the server.
     */
    draw: { arguments: DrawArguments; returns: Integer };
  };
  events: {
  };
}

export type DrawArguments = {
  under?: DrawArgumentsUnder;
  /**
   * @deprecated It may be gone in a later version of the server.
   */
  size: number | bigint;
} & (
  | ({ kind: "disc" | "ball" } & DrawArgumentsDisc)
  | ({ kind: "void" })
  | ({ kind: "dot" })
);

export type DrawArgumentsUnder = DrawArguments | string | null;

export interface DrawArgumentsDisc {
  radius: Integer;
  lining: unknown;
}
`,
  ],
];

for (const [name, infos, expected] of cases) {
  Deno.test(`types of a schema: ${name}`, () => {
    assertEquals(typesOf(infos as SchemaInfo[]), expected);
  });
}

Deno.test("types whose names would be the same get different names", () => {
  const object = (name: string, member: string) => ({
    name,
    "meta-type": "object",
    members: [{ name: member, type: "str" }],
  });
  const text = typesOf([
    command("a-b", "2", "0"),
    command("a_b", "3", "0"),
    ...[object("2", "one"), object("3", "two"), str, nothing],
  ] as SchemaInfo[]);
  assertStringIncludes(text, "export interface ABArguments {\n  one: string;");
  assertStringIncludes(text, "export interface ABArguments2 {\n  two: string;");
  assertStringIncludes(text, "a_b: { arguments: ABArguments2;");
});

Deno.test("the schema of a QMPServer has types", async () => {
  await using server = new QMPServer({
    commands: {
      grow: {
        run: ({ size }) => ({ size }),
        arguments: { size: "int", "by?": ["str"] },
        returns: { size: "int" },
      },
    },
    events: { GROWN: { size: "int", "at?": "str" } },
  });
  const transport = memory();
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  const infos = await client.execute("query-qmp-schema") as SchemaInfo[];
  const text = typesOf(infos);
  assertStringIncludes(
    text,
    "grow: { arguments: GrowArguments; returns: GrowResult };",
  );
  assertStringIncludes(
    text,
    "GrowArguments {\n  size: Integer;\n  by?: readonly string[];\n}",
  );
  assertStringIncludes(text, "GROWN: GrownData;");
});

/** Lines that are correct by the types of a live server. */
const right = [
  'await client.execute("query-version");',
  'await client.execute("query-version", {}, { oob: true });',
  'const jobs: { id: string }[] = await client.execute("query-jobs");',
  'const progress: number | bigint | undefined = (await client.execute("query-jobs"))[0]?.["current-progress"];',
  'await client.execute("blockdev-add", { driver: "qcow2", file: { driver: "file", filename: "disk" } });',
  'await client.execute("blockdev-add", { driver: "null-co", "node-name": "disk", size: 2n ** 60n });',
  'await client.execute("blockdev-del", { "node-name": "disk" });',
  'await client.execute("job-dismiss", { id: jobs[0]?.id ?? "" });',
  'if ((await client.execute("query-named-block-nodes"))[0]?.detect_zeroes === "what is not known yet") throw 1;',
  'const { data } = await client.listen("BLOCK_JOB_COMPLETED").next();',
  "const length: number | bigint = data.len;",
  "const error: string | undefined = data.error;",
  'const { image } = (await client.execute("query-named-block-nodes"))[0]!;',
  'if (image["format-specific"]?.type === "qcow2") image["format-specific"].data.compat.length;',
  'const status: JobStatus | Other | undefined = (await client.execute("query-jobs"))[0]?.status;',
  'const known: JobStatus = "concluded";',
  'const answer: string = await client.execute("blockdev-add", { driver: "file", filename: "disk" }).then(() => "");',
];

/** Lines that are each wrong by these types. */
const wrong = [
  'await client.execute("query-versoin");',
  'await client.execute("query-version", { verbose: true });',
  'await client.execute("blockdev-del", { "node-nmae": "disk" });',
  'await client.execute("blockdev-del");',
  'await client.execute("blockdev-add", { driver: "qcow3", file: "disk" });',
  'await client.execute("blockdev-add", { driver: "file", filenmae: "disk" });',
  'await client.execute("blockdev-add", { driver: "file", filename: "disk", lazy: true });',
  'await client.execute("blockdev-add", { driver: "qcow2", file: { driver: "file", filenmae: "disk" } });',
  'await client.execute("blockdev-add", { driver: "file", filename: 5 });',
  'const version: string = await client.execute("query-version");',
  'client.listen("BLOCK_JOB_COMPLETE");',
  'const misspelt: JobStatus = "conclude";',
];

const servers = [
  { name: "QEMU", program: "qemu-system-x86_64", start: startQemu },
  {
    name: "the storage daemon",
    program: "qemu-storage-daemon",
    start: startStorageDaemon,
  },
];

for (const { name, program, start } of servers) {
  Deno.test({
    name:
      `types made from ${name} accept correct lines, and refuse misspelt ones`,
    ...needs(program),
    fn: async () => {
      await using server = await start();
      const { folder } = server.process;
      const { code, stdout, stderr } = await runDeno([
        ...["run", "--no-prompt", ...flags],
        ...["qmp/generate.ts", String(server.transport)],
      ]);
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      assertMatch(stdout, /^ \* The schema of QEMU \d+\.\d+\.\d+[,.]/m);
      await Deno.writeTextFile(`${folder}/schema.ts`, stdout);
      assertEquals(await wrongLines(folder, right), []);
      assertEquals(await wrongLines(folder, wrong), wrong);
    },
  });
}

Deno.test({
  name: "enumerations of QEMU have the names that its documentation gives them",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using server = await startQemu();
    await using client = new QMPClient();
    await client.connect(server.transport);
    const answer = await client.execute("query-qmp-schema");
    const text = typesOf(readSchema(answer));
    assertMatch(text, /^export type RunState =\n( {2}\| "[a-z-]+"\n)+/m);
    assertMatch(text, /^ {2}status: RunState \| Other;$/m);
    assertMatch(text, /^export type ShutdownCause =$/m);
    assertMatch(text, /^ {2}reason: ShutdownCause \| Other;$/m);
    assertMatch(text, /^ {2}sync: MirrorSyncMode;$/m);
    const names = [...text.matchAll(/^export (?:type|interface) (\w+)/gm)]
      .map(([, name]) => name);
    assertEquals(names.length, new Set(names).size);
  },
});

Deno.test({
  name:
    "types made from QEMU mark deprecated members, and allow undeclared arguments",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using server = await startQemu();
    await using client = new QMPClient();
    await client.connect(server.transport);
    const infos = await client.execute("query-qmp-schema") as SchemaInfo[];
    const text = typesOf(infos);
    const deprecated = infos.filter(({ features }) =>
      features?.includes("deprecated")
    );
    assert(deprecated.length > 0);
    for (const { name } of deprecated) {
      const entry = new RegExp(`@deprecated[^/]*/\\n +"?${name}"?: `);
      assertMatch(text, entry);
    }
    assertStringIncludes(
      text,
      "device_add: { arguments: DeviceAddArguments & Record<string, unknown>;",
    );
  },
});

Deno.test("generate.ts has an exit code for each failure", async () => {
  const run = (...args: string[]) =>
    runDeno(["run", "--no-prompt", ...flags, "qmp/generate.ts", ...args]);
  const help = await run("--help");
  assertEquals([help.code, help.stderr], [0, ""]);
  assertMatch(help.stdout, /^Usage: qmp\/generate\.ts ADDRESS/);

  const none = await run();
  assertEquals([none.code, none.stdout], [2, ""]);
  assertMatch(none.stderr, /^Usage: /);

  const bad = await run("nowhere");
  assertEquals([bad.code, bad.stdout], [2, ""]);
  assertStringIncludes(bad.stderr, 'address is "nowhere"');

  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const gone = await run(`unix:${folder}/socket`);
  await Deno.remove(folder);
  assertEquals([gone.code, gone.stdout], [3, ""]);
  assertMatch(gone.stderr, /^Failed to establish connection: .*\n$/);
});

Deno.test("generate.ts reports a malformed schema in one line", () =>
  inFolder(async (folder) => {
    const transport = unix({ path: `${folder}/socket` });
    await using server = new QMPServer({
      commands: {
        "query-qmp-schema": () => ({ "\x1b]0;x\x07": "\u009b\u202e" }),
      },
    });
    server.serve(await transport.listen());
    const { code, stdout, stderr } = await runDeno([
      ...["run", "--no-prompt", ...flags, "qmp/generate.ts"],
      String(transport),
    ]);
    assertEquals({ code, stdout }, { code: 3, stdout: "" });
    assertEquals(
      stderr,
      "Cannot read the server's schema: schema is " +
        '{"\\u001b]0;x\\u0007":"\\u{9b}\\u{202e}"}, expected an array\n',
    );
  }));

/** The lines that do not type-check, for a client with this schema. */
async function wrongLines(folder: string, lines: string[]): Promise<string[]> {
  const head = [
    `import { QMPClient } from "${new URL(
      "../../qmp/mod.ts",
      import.meta.url,
    )}";`,
    'import type { JobStatus, Other, Schema } from "./schema.ts";',
    "const client = new QMPClient<Schema>();",
  ];
  await Deno.writeTextFile(
    `${folder}/use.ts`,
    [...head, ...lines].join("\n"),
  );
  const { stderr } = await runDeno(["check", `${folder}/use.ts`]);
  const numbers = stderr.matchAll(/use\.ts:(\d+):\d+$/gm)
    .map(([, number]) => Number(number));
  return [...new Set(numbers)].map((number) =>
    lines[number - 1 - head.length] ?? ""
  );
}
