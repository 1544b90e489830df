import { assert, assertEquals } from "@std/assert";
import { unix } from "../../transports/mod.ts";
import { inFolder, namesIn } from "../support/in_folder.ts";
import { makeStale } from "../support/transports/stale_socket.ts";

/** Listens and closes again, at a path of its own. */
async function listenIn(folder: string): Promise<void> {
  await using _ = await unix({ path: `${folder}/other` }).listen();
}

/** A process that listens at 20 paths again and again. */
function startListening(folder: string): Deno.ChildProcess {
  const module = new URL("../../transports/mod.ts", import.meta.url);
  const code = `
    import { unix } from ${JSON.stringify(module.href)};
    for (let i = 0; i < 20; i++) {
      (async () => {
        const transport = unix({ path: "${folder}/" + i });
        for (let round = 0;; round++) {
          await (await transport.listen()).close();
          if (i === 0 && round === 5) console.log("busy");
        }
      })();
    }`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

Deno.test("unix: the next listen removes the files of processes that were killed while they listened", () =>
  inFolder(async (folder) => {
    let left = 0;
    for (let kill = 0; kill < 5; kill++) {
      const child = startListening(folder);
      const output = child.stdout.getReader();
      await output.read();
      child.kill("SIGKILL");
      await child.status;
      await output.cancel();
      // Stale sockets at a path stay until the next listen at that path.
      const isOurs = (name: string) => name.startsWith(".parley-");
      left += (await namesIn(folder)).filter(isOurs).length;
      await listenIn(folder);
      assertEquals((await namesIn(folder)).filter(isOurs), []);
    }
    console.log(`${left} files and folders were left by 5 processes`);
    assert(left > 0);
  }));

Deno.test("unix: a folder with the name of a stale one that contains other files is left alone", () =>
  inFolder(async (folder) => {
    const make: ((path: string) => Promise<unknown>)[] = [
      (path) => Deno.writeTextFile(`${path}/file`, "precious"),
      (path) => Deno.mkdir(`${path}/folder`),
      (path) => Deno.symlink("nowhere", `${path}/link`),
    ];
    for (const [index, put] of make.entries()) {
      const path = `${folder}/.parley-00000${index}`;
      await Deno.mkdir(path);
      await put(path);
      await listenIn(folder);
      assertEquals((await namesIn(path)).length, 1);
    }
    const path = `${folder}/.parley-00000a`;
    await Deno.mkdir(path);
    {
      using _ = Deno.listen({ transport: "unix", path: `${path}/s` });
      await listenIn(folder);
      assertEquals(await namesIn(path), ["s"]);
    }
    await makeStale(`${path}/s`);
    await listenIn(folder);
    assertEquals((await namesIn(folder)).length, make.length);
  }));

Deno.test("unix: a folder that a living process uses is left alone", () =>
  inFolder(async (folder) => {
    const path = `${folder}/.parley-000000`;
    await Deno.mkdir(path);
    {
      using used = await Deno.open(path);
      await used.lock(true);
      await listenIn(folder);
      assertEquals(await namesIn(folder), [".parley-000000"]);
    }
    await listenIn(folder);
    assertEquals(await namesIn(folder), []);
  }));

Deno.test("unix: files and links that have the name of a stale folder are left alone", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/target`);
    await Deno.symlink("target", `${folder}/.parley-000000`);
    await Deno.writeTextFile(`${folder}/.parley-000001`, "precious");
    await Deno.mkdir(`${folder}/.parley-0`);
    const before = await namesIn(folder);
    await listenIn(folder);
    assertEquals(await namesIn(folder), before);
  }));

Deno.test({
  name: "unix: a stale folder of another user is left alone",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/.parley-000000`);
      await Deno.chown(`${folder}/.parley-000000`, 65_534, 65_534);
      await listenIn(folder);
      assertEquals(await namesIn(folder), [".parley-000000"]);
    }),
});
