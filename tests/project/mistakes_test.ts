import { assertEquals, assertMatch } from "@std/assert";
import { inFolder } from "../support/in_folder.ts";
import { runDeno } from "../support/program.ts";

const root = new URL("../../", import.meta.url);

/** The files of a folder, and the files of this name in the folders in it. */
async function filesIn(folder: string, inner?: string): Promise<string[]> {
  const found = [];
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile && path.endsWith(".ts")) found.push(path);
    if (entry.isDirectory && inner) found.push(`${path}/${inner}`);
  }
  return found;
}

/** Every module that a user runs: it exports nothing, or it is named here. */
async function programs(): Promise<string[]> {
  const files = [
    ...await filesIn("examples", "main.ts"),
    ...await filesIn("bench"),
  ];
  const found = ["npm/build.ts", "qmp/generate.ts", "qmp/shell.ts"];
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, root)).catch(() => "");
    if (text !== "" && !/^export /m.test(text)) found.push(file);
  }
  return found.sort();
}

/** Runs a program, which reports one line and nothing else; returns both. */
async function mistake(...args: string[]): Promise<[number, string]> {
  const { code, stdout, stderr } = await runDeno([
    ...["run", "--no-prompt", "--allow-all", ...args],
  ]);
  assertEquals(stdout, "");
  assertMatch(stderr, /^\S.*\n$/);
  return [code, stderr.trimEnd()];
}

for (const program of await programs()) {
  Deno.test(`${program} refuses an unknown option in one line`, async () => {
    const [code, reason] = await mistake(program, "--unknown");
    assertEquals(code, 2);
    assertMatch(reason, /--unknown|expected BASE/);
  });
}

Deno.test("a program refuses missing arguments, and too many", async () => {
  const expected = "Cannot use the arguments: there are";
  assertEquals(
    await mistake("examples/qmp_events.ts"),
    [2, `${expected} 0, expected ADDRESS...`],
  );
  assertEquals(
    await mistake("examples/qmp_backup.ts", "unix:x", "disk"),
    [2, `${expected} 2, expected ADDRESS DISK FILE`],
  );
  assertEquals(
    await mistake("examples/qmp_status.ts", "unix:x", "unix:y"),
    [2, `${expected} 2, expected [ADDRESS]`],
  );
  assertEquals(
    await mistake("npm/build.ts"),
    [2, `${expected} 0, expected FILE`],
  );
});

Deno.test("a program says in one line what is wrong with an argument", async () => {
  const [code, reason] = await mistake("examples/qmp_status.ts", "nonsense");
  assertEquals(code, 1);
  assertMatch(reason, /^Cannot use the argument: address is "nonsense": /);
  assertEquals(
    await mistake("examples/many_processes/main.ts", "x"),
    [1, "Cannot start a pool: count is NaN: it must be an integer from 1"],
  );
  assertEquals(
    await mistake("examples/language_server/main.ts", "/"),
    [1, "Is a directory (os error 21): readfile '/'"],
  );
  const one = "Cannot use the option:";
  assertEquals(
    await mistake("bench/main.ts", "--rounds=x"),
    [2, `${one} rounds is x: it must be an integer from 1`],
  );
  assertEquals(
    await mistake("bench/main.ts", "--over=air"),
    [2, `${one} over is air: it must be one of unix, tcp, tls, memory`],
  );
  assertEquals(
    await mistake("bench/main.ts", "--json=/"),
    [1, "Is a directory (os error 21): writefile '/'"],
  );
  assertEquals((await mistake("bench/compare.ts", "nonsense"))[0], 1);
});

Deno.test("a program says in one line that no server is there", () =>
  inFolder(async (folder) => {
    const address = `unix:${folder}/none`;
    const missing = `Failed to establish connection: Connect to ${address}: ` +
      "No such file or directory (os error 2)";
    assertEquals(
      await mistake("examples/qmp_status.ts", address),
      [1, missing],
    );
    assertEquals(
      await mistake("examples/qmp_events.ts", address, address),
      [1, missing],
    );
    const [code, reason] = await mistake(
      "examples/cdp/main.ts",
      "http://[::]:1",
    );
    assertEquals(code, 1);
    assertMatch(reason, /^Failed to establish connection: .*blocked$/);
  }));
