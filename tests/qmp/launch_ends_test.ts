import { assert, assertEquals, assertRejects } from "@std/assert";
import { retry } from "@std/async";
import { ConnectError } from "../../protocol/mod.ts";
import { launch } from "../../qmp/launch.ts";
import { denoSystem } from "../../transports/_deno/deno_system.ts";
import { killedAtStart } from "../support/killed_at_start.ts";
import {
  leavingNothing,
  NO_MACHINE,
  script,
} from "../support/qmp/launching.ts";
import { needs } from "../support/servers/qemu.ts";

const qemu = needs("qemu-system-x86_64");
const module = new URL("../../qmp/launch.ts", import.meta.url).href;

/** Waits until a condition holds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  await retry(async () => {
    if (!await holds()) throw new Error("It does not hold yet");
  }, { maxAttempts: 100, minTimeout: 20, maxTimeout: 200 });
}

function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function names(folder: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
}

/** The processes whose arguments name a folder. */
async function processesNaming(folder: string): Promise<number[]> {
  const found = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = await Deno.readTextFile(`/proc/${name}/cmdline`)
      .catch(() => "");
    if (text.includes(folder)) found.push(Number(name));
  }
  return found;
}

interface OwnerOptions {
  /** Code to run once QEMU is launched. */
  then?: string;
  /** More options of `launch()`, as code. */
  options?: string;
  flags?: string[];
}

/** A process that launches QEMU. It leads a process group, as a shell's job does. */
async function startOwner(
  { then = forever, options = "{}", flags = ["--allow-all"] }: OwnerOptions =
    {},
) {
  const child = new Deno.Command("setsid", {
    args: [Deno.execPath(), "run", "--quiet", "--no-prompt", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const code = `
    import { launch } from ${JSON.stringify(module)};
    const args = ${JSON.stringify(NO_MACHINE)};
    const vm = await launch({ args, ...${options} });
    console.log(JSON.stringify([vm.pid, vm.folder]));
    ${then}`;
  await new Blob([code]).stream().pipeTo(child.stdin);
  const output = child.stdout.getReader();
  const { value } = await output.read();
  await output.cancel();
  const text = new TextDecoder().decode(value);
  const [pid, folder]: [number, string] = JSON.parse(text);
  return {
    pid,
    folder,
    /** Sends a signal to the process, or to its whole group, and waits for its end. */
    async kill(signal: Deno.Signal, to: "process" | "group" = "process") {
      if (to === "process") child.kill(signal);
      else await run("kill", "-s", signal.slice(3), "--", `-${child.pid}`);
      await child.status;
    },
    ended: child.status,
  };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success } = await new Deno.Command(program, { args }).output();
  assert(success);
}

const forever = "setInterval(() => {}, 1_000);";

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until no process and no folder is left of a launched QEMU. */
async function untilGone(pid: number, folder: string): Promise<void> {
  await until(() => !isRunning(pid));
  await until(async () => !await exists(folder));
  await until(async () => (await processesNaming(folder)).length === 0);
}

for (
  const [what, to] of [
    ["a signal to a process", "process"],
    ["a signal to all processes of a terminal's job", "group"],
  ] as const
) {
  Deno.test({
    name: `${what} leaves no QEMU and no folder`,
    ...qemu,
    fn: () =>
      leavingNothing(async () => {
        const signals = ["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP"] as const;
        await Promise.all(signals.map(async (signal) => {
          const owner = await startOwner();
          await owner.kill(signal, to);
          await untilGone(owner.pid, owner.folder);
        }));
      }),
  });
}

for (
  const [how, then] of [
    ["Deno.exit()", "Deno.exit(3);"],
    ["an uncaught error", 'throw new Error("Oops");'],
  ] as const
) {
  Deno.test({
    name: `a process that ends by ${how} leaves no QEMU and no folder`,
    ...qemu,
    fn: () =>
      leavingNothing(async () => {
        const owner = await startOwner({ then });
        await owner.ended;
        await untilGone(owner.pid, owner.folder);
      }),
  });
}

/** Waits until no file is in a folder, and no process has arguments that name it. */
async function untilNothingIsIn(folder: string): Promise<void> {
  await until(async () => (await processesNaming(folder)).length === 0);
  await until(async () => (await names(folder)).length === 0);
}

for (const [started, what] of [[1, "sh"], [2, "the program"]] as const) {
  for (const moment of ["when it waits", "a turn later"] as const) {
    Deno.test(`a process that is killed ${moment} after its launch has started ${what} leaves nothing`, () =>
      leavingNothing(async (temporary) => {
        await using endless = await script("while :; do sleep 1; done");
        const { program } = endless;
        const code = `
          import { launch } from ${JSON.stringify(module)};
          await launch({ program: ${JSON.stringify(program)} });`;
        await killedAtStart(moment, started, code);
        await untilNothingIsIn(temporary);
      }));
  }
}

/** The number of the process group of a process, from proc(5). */
async function groupOf(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")")).split(" ")[3]);
}

Deno.test({
  name: "signals of the terminal do not reach a QEMU that will be ended anyway",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args: NO_MACHINE });
      assertEquals(await groupOf(launched.pid), launched.pid);
    }),
});

Deno.test({
  name: "a stopped QEMU is killed when the process that launched it is killed",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const owner = await startOwner({ options: "{ endTimeout: 1 }" });
      Deno.kill(owner.pid, "SIGSTOP");
      await owner.kill("SIGKILL");
      await untilGone(owner.pid, owner.folder);
    }),
});

Deno.test({
  name:
    "the next launch removes a folder that is left because all processes were killed",
  ...qemu,
  fn: () =>
    leavingNothing(async (temporary) => {
      const owner = await startOwner();
      for (const pid of await processesNaming(owner.folder)) {
        Deno.kill(pid, "SIGKILL");
      }
      await owner.kill("SIGKILL");
      await until(() => !isRunning(owner.pid));
      assertEquals((await names(temporary)).length, 1);
      await using launched = await launch({ args: NO_MACHINE });
      assertEquals(`${temporary}/${await names(temporary)}`, launched.folder);
    }),
});

Deno.test({
  name: "a launch leaves the folders of other launches alone",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const owner = await startOwner();
      await using first = await launch({ args: NO_MACHINE });
      await using second = await launch({ args: NO_MACHINE });
      for (const { folder } of [owner, first, second]) {
        assert((await Deno.stat(folder)).isDirectory);
      }
      await owner.kill("SIGKILL");
      await untilGone(owner.pid, owner.folder);
    }),
});

Deno.test({
  name: "without permission to run sh, a launch works, and a QEMU may be left",
  ...qemu,
  fn: () =>
    leavingNothing(async (temporary) => {
      const owner = await startOwner({
        flags: [
          "--allow-run=qemu-system-x86_64",
          "--allow-net",
          `--allow-read=${temporary}`,
          `--allow-write=${temporary}`,
        ],
      });
      assertEquals(await processesNaming(owner.folder), [owner.pid]);
      assert(await groupOf(owner.pid) !== owner.pid);
      await owner.kill("SIGKILL");
      assert(isRunning(owner.pid));
      Deno.kill(owner.pid, "SIGKILL");
      await until(() => !isRunning(owner.pid));
      await (await launch({ args: NO_MACHINE }))[Symbol.asyncDispose]();
    }),
});

Deno.test({
  name: "a disposal does not wait for a process that somebody has stopped",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args: NO_MACHINE });
      for (const pid of await processesNaming(launched.folder)) {
        if (pid !== launched.pid) Deno.kill(pid, "SIGSTOP");
      }
    }),
});

Deno.test({
  name: "once QEMU has ended, no process waits for the end of this one",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args: NO_MACHINE });
      assertEquals((await processesNaming(launched.folder)).length, 2);
      Deno.kill(launched.pid, "SIGKILL");
      await until(async () =>
        (await processesNaming(launched.folder)).length === 0
      );
    }),
});

Deno.test({
  name:
    "a helper of QEMU that keeps its standard error open does not delay the end",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using wrapper = await script(
        'sleep 1000 & echo "helper $!" >&2; exec qemu-system-x86_64 "$@"',
      );
      const launched = await launch({
        program: wrapper.program,
        args: NO_MACHINE,
      });
      const [, helper] = /helper (\d+)/.exec(launched.stderr) ?? [];
      await launched[Symbol.asyncDispose]();
      assertEquals(await launched.status, {
        success: true,
        code: 0,
        signal: null,
      });
      assert(isRunning(Number(helper)));
      Deno.kill(Number(helper), "SIGKILL");
    }),
});

Deno.test("a helper that keeps standard error open does not delay the error of a failed start", () =>
  leavingNothing(async () => {
    await using wrapper = await script(
      'sleep 1000 & echo "helper $!" >&2; exit 3',
    );
    const error = await assertRejects(
      () => launch({ program: wrapper.program }),
      ConnectError,
      `Failed to start ${wrapper.program}: it ended with code 3: helper `,
    );
    Deno.kill(Number(/helper (\d+)/.exec(error.message)?.[1]), "SIGKILL");
  }));

Deno.test("a program whose keeper cannot be started is not started", () =>
  leavingNothing(async (folder) => {
    await using told = await script('touch "$TMPDIR/started"');
    const { program } = told;
    const { spawn } = denoSystem;
    const refuse = () =>
      Promise.reject(new Deno.errors.WouldBlock("no more processes"));
    Object.assign(denoSystem, { spawn: refuse });
    try {
      await assertRejects(() => launch({ program }), Deno.errors.WouldBlock);
    } finally {
      Object.assign(denoSystem, { spawn });
    }
    assertEquals(await names(folder), []);
  }));
