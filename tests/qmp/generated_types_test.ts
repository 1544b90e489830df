import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { SchemaInfo } from "../../qmp/_schema/schema_info.ts";
import { readSchema } from "../../qmp/_schema/read_schema.ts";
import { connected } from "../support/qmp/connected.ts";
import { runGenerate, typesOf } from "../support/qmp/generated_types.ts";
import { runDeno } from "../support/program.ts";
import {
  needs,
  startQemu,
  startStorageDaemon,
} from "../support/servers/qemu.ts";

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
      const { code, stdout, stderr } = await runGenerate(server.transport);
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
    await using client = await connected(server);
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
    await using client = await connected(server);
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
