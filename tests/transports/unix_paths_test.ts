import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { open } from "node:fs/promises";
import { unix } from "../../transports/mod.ts";
import { inFolder, namesIn } from "../support/in_folder.ts";
import { runDeno } from "../support/program.ts";

const LIMIT = Deno.build.os === "linux" ? 107 : 103;
const linux = { ignore: Deno.build.os !== "linux" };

/** A folder within another, whose path has a given number of bytes. */
async function makeFolder(parent: string, bytes: number): Promise<string> {
  const folder = `${parent}/`.padEnd(bytes, "f");
  await Deno.mkdir(folder);
  return folder;
}

for (
  const [folderBytes, pathBytes] of [
    [LIMIT - 7, LIMIT - 3],
    [LIMIT - 2, LIMIT],
    [LIMIT - 17, LIMIT],
    [LIMIT - 18, LIMIT],
    [LIMIT - 16, LIMIT - 14],
  ] as const
) {
  Deno.test({
    name:
      `unix: listening at a path of ${pathBytes} bytes in a folder of ${folderBytes} works, with mode 0600`,
    ...linux,
    fn: () =>
      inFolder(async (parent) => {
        const folder = await makeFolder(parent, folderBytes);
        const path = `${folder}/`.padEnd(pathBytes, "s");
        const transport = unix({ path });
        for (let time = 0; time < 2; time++) {
          await using listener = await transport.listen();
          assertEquals((await Deno.lstat(path)).mode ?? 0, 0o140600);
          assertEquals(await namesIn(folder), [path.slice(folderBytes + 1)]);
          await using _near = await transport.connect();
          await using _far = await listener.accept();
          await assertRejects(
            () => transport.listen(),
            Deno.errors.AddrInUse,
            `Listen at unix:${path}: another listener is there`,
          );
        }
        assertEquals(await namesIn(folder), []);
        // A stale socket, and a socket that takes its place.
        const stale = Deno.listen({ transport: "unix", path });
        await Deno.rename(path, `${folder}/t`);
        stale.close();
        await Deno.rename(`${folder}/t`, path);
        await (await transport.listen()).close();
        assertEquals(await namesIn(folder), []);
      }),
  });
}

Deno.test({
  name:
    "unix: closing a listener in a long folder removes nothing of another folder that has its descriptor",
  ...linux,
  fn: () =>
    inFolder(async (parent) => {
      const folder = await makeFolder(parent, LIMIT - 3);
      const listener = await unix({ path: `${folder}/a` }).listen();
      await Deno.writeTextFile(`${parent}/s`, "precious");
      const handles = await Promise.all(
        Array.from({ length: 20 }, () => open(parent)),
      );
      await listener.close();
      await Promise.all(handles.map((handle) => handle.close()));
      assertEquals(await Deno.readTextFile(`${parent}/s`), "precious");
    }),
});

Deno.test("unix: a path that is too long is refused with its bytes and the system's limit", () =>
  inFolder(async (folder) => {
    for (
      const [path, what, bytes] of [
        [`${folder}/`.padEnd(LIMIT + 1, "s"), "path", LIMIT + 1],
        [`${folder}/${"é".repeat(60)}`, "path", folder.length + 121],
        ["r".repeat(LIMIT + 1), "path", LIMIT + 1],
        [`@${"a".repeat(LIMIT + 1)}`, "name", LIMIT + 1],
        [`@${"é".repeat(54)}`, "name", 108],
      ] as const
    ) {
      const text = `unix:${path}: ${what} has ${bytes} bytes, ` +
        `the system allows ${LIMIT}`;
      const transport = unix({ path });
      const connect = () => transport.connect();
      await assertRejects(connect, RangeError, `Connect to ${text}`);
      const listen = () => transport.listen();
      await assertRejects(listen, RangeError, `Listen at ${text}`);
    }
    assertEquals(await namesIn(folder), []);
  }));

Deno.test("unix: listening in a folder that does not exist names the folder", () =>
  inFolder(async (parent) => {
    for (
      const folder of [`${parent}/missing`, `${parent}/a/b`, "no-such/folder"]
    ) {
      const error = await assertRejects(
        () => unix({ path: `${folder}/s` }).listen(),
        Deno.errors.NotFound,
      );
      assertEquals(
        error.message,
        `Listen at unix:${folder}/s: folder ${folder} does not exist`,
      );
    }
  }));

Deno.test("unix: listening in a file that is not a folder names it", () =>
  inFolder(async (parent) => {
    const file = `${parent}/file`;
    await Deno.writeTextFile(file, "");
    await assertRejects(
      () => unix({ path: `${file}/s` }).listen(),
      Error,
      `Listen at unix:${file}/s: folder ${file}: Not a directory (os error 20)`,
    );
  }));

/** Runs code that has a `transport` at a relative path, in a working folder. */
async function runIn(cwd: string, path: string, flags: string[], code: string) {
  const module = new URL("../../transports/mod.ts", import.meta.url);
  return await runDeno(
    ["run", "--quiet", "--no-prompt", ...flags, "-"],
    `import { unix } from ${JSON.stringify(module.href)};
     const transport = unix({ path: ${JSON.stringify(path)} });
     const names = () => [...Deno.readDirSync(".")].map((entry) => entry.name);
     ${code}`,
    {},
    cwd,
  );
}

const listenAndConnect = `
  {
    await using listener = await transport.listen();
    console.log(names());
    await using near = await transport.connect();
    await using far = await listener.accept();
  }
  console.log(names());`;

const narrow = ["--allow-net", "--allow-read=.", "--allow-write=."];

Deno.test("unix: a relative path starts at the working folder", () =>
  inFolder(async (folder) => {
    for (
      const [cwd, flags] of [
        [await makeFolder(folder, 40), narrow],
        [await makeFolder(folder, 41), ["--allow-all"]],
        [await makeFolder(folder, 120), ["--allow-all"]],
      ] as const
    ) {
      assertEquals(
        await runIn(cwd, "s", [...flags], listenAndConnect),
        { code: 0, stdout: '[ "s" ]\n[]\n', stderr: "" },
      );
    }
  }));

Deno.test("unix: a relative path that Deno makes too long is refused with its bytes, or with the flags that it needs", () =>
  inFolder(async (parent) => {
    const cwd = await makeFolder(parent, 120);
    const connect = await runIn(cwd, "s", narrow, "await transport.connect();");
    assertStringIncludes(
      connect.stderr,
      "RangeError: Connect to unix:s: path has 122 bytes as an absolute path, " +
        `the system allows ${LIMIT}`,
    );
    const listen = await runIn(cwd, "s", narrow, "await transport.listen();");
    assertStringIncludes(
      listen.stderr,
      "NotCapable: Listen at unix:s: not permitted: run again with --allow-all",
    );
  }));

Deno.test({
  name: "unix: a name with @ is abstract, and makes no file",
  ...linux,
  fn: () =>
    inFolder(async (cwd) => {
      const name = crypto.randomUUID();
      assertEquals(
        await runIn(
          cwd,
          `@${name}`,
          ["--allow-all"],
          `const other = () => Deno.connect({ transport: "unix", path: "\\x00${name}" });
           {
             await using listener = await transport.listen();
             (await other()).close();
             console.log(names());
             const refused = unix({ path: "@${name}" }).listen();
             console.log((await refused.catch((error) => error)).message);
           }
           console.log((await transport.connect().catch((e) => e)).message);
           const listener = Deno.listen({ transport: "unix", path: "\\x00${name}" });
           await (await transport.connect()).close();
           listener.close();`,
        ),
        {
          code: 0,
          stdout: "[]\n" +
            `Listen at unix:@${name}: Address already in use (os error 98)\n` +
            `Connect to unix:@${name}: Connection refused (os error 111)\n`,
          stderr: "",
        },
      );
    }),
});
