import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import { TextLineStream } from "@std/streams";
import { inFolder } from "../support/in_folder.ts";
import { needs } from "../support/servers/qemu.ts";

const root = new URL("../../", import.meta.url);

/** A running demo, and the lines that it writes. */
interface Run {
  child: Deno.ChildProcess;
  lines: AsyncIterableIterator<string>;
}

/**
 * Runs the demo as its task does, with only these programs on the PATH and a
 * folder of its own for temporary files. At the end nothing of it is left.
 */
async function withDemo(
  programs: string[],
  look: (run: Run) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/bin`);
    await Deno.mkdir(`${folder}/tmp`);
    for (const program of programs) {
      await Deno.symlink(await which(program), `${folder}/bin/${program}`);
    }
    const { tasks } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", root)),
    );
    const [, ...args] = tasks.demo.command.split(" ");
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: root,
      env: { PATH: `${folder}/bin`, TMPDIR: `${folder}/tmp` },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    await look({ child, lines: lines.values() });
    await child.status;
    assertEquals(await Array.fromAsync(Deno.readDir(`${folder}/tmp`)), []);
    assertEquals(await processesNaming(folder), []);
  });
}

async function which(program: string): Promise<string> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    try {
      return await Deno.realPath(`${folder}/${program}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`${program} is not on the PATH`);
}

/** The command lines of this machine's processes that contain a text. */
async function processesNaming(text: string): Promise<string[]> {
  const found = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`)
      .catch(() => ""); // It has ended in the meantime.
    if (line.includes(text)) found.push(line);
  }
  return found;
}

/** The labels in a demo's output, in order, each with its text. */
async function shown(lines: AsyncIterable<string>) {
  const all = await Array.fromAsync(lines);
  const labelled = all.map((line) => /^ +(\w+) {2}(.*)/.exec(line))
    .filter((match) => match !== null)
    .map(([, label = "", text = ""]) => ({ label, text }));
  return { first: all[0] ?? "", labelled };
}

const machine = [
  ...["state", "state", "greeting", "execute", "return"],
  ...["execute", "event", "return", "execute", "return"],
  ...["execute", "event", "return", "execute", "error"],
  ...["execute", "event", "return", "state", "state", "end"],
];

const kinds: [string, string[], RegExp, string[]][] = [
  [
    "a QEMU",
    ["qemu-system-x86_64"],
    /^Parley starts qemu-system-x86_64/,
    machine,
  ],
  [
    "a storage daemon",
    ["qemu-storage-daemon"],
    /^Parley starts qemu-storage-daemon/,
    [],
  ],
  [
    "a stand-in",
    [],
    /^No QEMU .*: apt-get install -y --no-install-recommends qemu-system-x86$/,
    machine,
  ],
];

for (const [kind, programs, firstLine, labels] of kinds) {
  Deno.test({
    name: `the demo goes from its greeting to an orderly end: ${kind}`,
    ...needs(...programs),
    fn: () =>
      withDemo(programs, async ({ child, lines }) => {
        const { first, labelled } = await shown(lines);
        assert((await child.status).success);
        assertMatch(first, firstLine);
        if (labels.length > 0) {
          assertEquals(labelled.map(({ label }) => label), labels);
        }
        const texts = (wanted: string) =>
          labelled.filter(({ label }) => label === wanted)
            .map(({ text }) => text);
        assertEquals(texts("state"), [
          "connecting",
          "running",
          "disconnecting",
          "idle",
        ]);
        assertMatch(texts("greeting")[0] ?? "", /^QEMU \d+\.\d+\.\d+, /);
        assert(texts("event").length > 0);
        assertMatch(texts("error")[0] ?? "", /^ExecuteError: Cannot execute /);
        assertEquals(texts("end"), [
          "orderly: no process is left, and no file",
        ]);
      }),
  });

  Deno.test({
    name: `the demo leaves nothing behind when it is interrupted: ${kind}`,
    ...needs(...programs),
    fn: async () => {
      for (const count of [0, 1, 2, 3, 4, 6, 9, 12, 15, 18]) {
        await withDemo(programs, async ({ child, lines }) => {
          for (let line = 0; line < count; line++) await lines.next();
          try {
            child.kill("SIGINT");
          } catch (error) {
            assertInstanceOf(error, TypeError); // It has come to its end.
          }
          for await (const _ of lines);
          const { code, signal } = await child.status;
          // Before the demo handles signals, a signal ends it at once.
          if (count > 0) assertEquals(signal, null);
          assert([0, 130].includes(code), `code ${code} after ${count} lines`);
        });
      }
    },
  });

  Deno.test({
    name: `the demo leaves nothing behind when its output is closed: ${kind}`,
    ...needs(...programs),
    fn: async () => {
      // On a busy machine a demo may end before its output is closed.
      let code = 0;
      for (let time = 0; code === 0 && time < 20; time++) {
        await withDemo(programs, async ({ child, lines }) => {
          await lines.next();
          await lines.return?.();
          ({ code } = await child.status);
        });
      }
      assertEquals(code, 141);
    },
  });
}
