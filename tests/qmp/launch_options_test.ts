import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { launch, type LaunchedProcess } from "../../qmp/launch.ts";
import { QMPClient } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import {
  leavingNothing,
  NO_MACHINE,
  script,
} from "../support/qmp/launching.ts";
import { needs } from "../support/servers/qemu.ts";

const qemu = needs("qemu-system-x86_64");

/** Reads text until a pattern is in it. */
async function readUntil(
  stream: ReadableStream<Uint8Array>,
  pattern: RegExp,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const reader = stream.getReader();
  try {
    while (!pattern.test(text)) {
      const { done, value } = await reader.read();
      assert(!done, `The end came after ${JSON.stringify(text)}`);
      text += decoder.decode(value, { stream: true });
    }
    return text;
  } finally {
    reader.releaseLock();
  }
}

/**
 * A guest of 512 bytes: it enables ACPI's power button, says R on its serial
 * line, and powers itself off when the button has been pressed.
 */
async function makeGuest(folder: string): Promise<string> {
  const sector = new Uint8Array(512);
  sector.set([
    0xfa, // cli
    ...[0xb8, 0x00, 0x01, 0xba, 0x02, 0x06, 0xef], // PM1_EN = PWRBTN_EN
    ...[0xb0, 0x52, 0xba, 0xf8, 0x03, 0xee], // COM1 = "R"
    ...[0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01], // PM1_STS has PWRBTN_STS?
    ...[0x74, 0xf7], // if not, again
    ...[0xb8, 0x00, 0x20, 0xba, 0x04, 0x06, 0xef], // PM1_CNT = SLP_EN
    ...[0xeb, 0xfe], // wait
  ]);
  sector.set([0x55, 0xaa], 510);
  await Deno.writeFile(`${folder}/guest`, sector);
  return `${folder}/guest`;
}

/** Launches a guest that obeys its power button, and waits until it is ready. */
async function launchGuest(folder: string, ...more: string[]) {
  const guest = await makeGuest(folder);
  const launched = await launch({
    args: [
      ...["-machine", "pc,accel=tcg", "-m", "16", "-display", "none"],
      ...["-nodefaults", "-serial", "stdio"],
      ...["-drive", `if=ide,format=raw,file=${guest}`],
      ...more,
    ],
    stdout: "piped",
  });
  await readUntil(launched.stdout, /R$/);
  await Deno.remove(guest);
  return launched;
}

Deno.test({
  name: "powerOff() makes the guest shut down, and leaves nothing",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      const launched = await launchGuest(folder);
      assertEquals(await launched.powerOff(), true);
      assert((await launched.status).success);
      assertEquals(launched.client.runstate, "idle");
      await assertRejects(() => Deno.stat(launched.folder));
      await launched[Symbol.asyncDispose]();
    }),
});

Deno.test({
  name: "powerOff() ends a QEMU that stays after its guest has shut down",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      const launched = await launchGuest(folder, "-no-shutdown");
      assertEquals(await launched.powerOff(), true);
      assert((await launched.status).success);
    }),
});

Deno.test({
  name: "powerOff() tells a guest that has shut down before from a killed QEMU",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      const down = await launchGuest(folder);
      await down.client.execute("system_powerdown");
      await down.status;
      assertEquals(await down.powerOff(), true);

      for (const when of ["before", "meanwhile"]) {
        const killed = await launchGuest(folder);
        Deno.kill(killed.pid, "SIGSTOP");
        const kill = () => Deno.kill(killed.pid, "SIGKILL");
        if (when === "before") {
          kill();
          await killed.status;
        }
        const poweringOff = killed.powerOff();
        if (when === "meanwhile") kill();
        assertEquals(await poweringOff, false);
      }
    }),
});

for (
  const [how, end] of [
    ["by SIGTERM", ({ pid }) => Deno.kill(pid, "SIGTERM")],
    ["by quit", ({ client }) => client.quit()],
  ] satisfies [string, (vm: LaunchedProcess) => unknown][]
) {
  Deno.test({
    name: `a QEMU that is ended ${how} is not a guest that has shut down`,
    ...qemu,
    fn: () =>
      leavingNothing(async () => {
        const launched = await launch({ args: NO_MACHINE });
        const poweringOff = launched.powerOff();
        await end(launched);
        assertEquals(await poweringOff, false);
      }),
  });
}

Deno.test({
  name: "powerOff() forces the end of a guest that does not shut down in time",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ args: NO_MACHINE });
      assertEquals(await launched.powerOff({ timeout: 50 }), false);
      assert((await launched.status).success);
      assertEquals(launched.client.runstate, "idle");
    }),
});

Deno.test({
  name: "powerOff() forces the end of a stopped QEMU",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ args: NO_MACHINE, endTimeout: 500 });
      Deno.kill(launched.pid, "SIGSTOP");
      assertEquals(await launched.powerOff({ timeout: 50 }), false);
      assertEquals((await launched.status).signal, "SIGKILL");
    }),
});

Deno.test({
  name: "powerOff() ends a program without a power button at once",
  ...needs("qemu-storage-daemon"),
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ program: "qemu-storage-daemon" });
      assertEquals(await launched.powerOff({ timeout: Infinity }), false);
      assert((await launched.status).success);
    }),
});

Deno.test({
  name: "powerOff() ends a program that is no longer connected at once",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ args: NO_MACHINE });
      await launched.client.disconnect();
      assertEquals(await launched.powerOff({ timeout: Infinity }), false);
    }),
});

Deno.test({
  name: "an aborted powerOff() rejects with the reason, and the guest goes on",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args: NO_MACHINE });
      const controller = new AbortController();
      const { signal } = controller;
      const poweringOff = launched.powerOff({ signal });
      const reason = new Error("Enough");
      controller.abort(reason);
      assertStrictEquals(await assertRejects(() => poweringOff), reason);
      assertEquals(launched.client.runstate, "running");
      assertStrictEquals(
        await assertRejects(() => launched.powerOff({ signal })),
        reason,
      );
      await assertRejects(
        () => launched.powerOff({ timeout: -1 }),
        RangeError,
        "timeout is -1",
      );
    }),
});

Deno.test({
  name: "the options set standard input and output",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({
        args: [...NO_MACHINE, "-monitor", "stdio"],
        stdin: "piped",
        stdout: "piped",
      });
      await readUntil(launched.stdout, /\(qemu\) $/);
      const writer = launched.stdin.getWriter();
      await writer.write(new TextEncoder().encode("info status\n"));
      writer.releaseLock();
      await readUntil(launched.stdout, /VM status: paused/);
    }),
});

Deno.test({
  name: "without options, there is no standard input and output",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args: NO_MACHINE });
      assertThrows(() => launched.stdin, TypeError, "not piped");
      assertThrows(() => launched.stdout, TypeError, "not piped");
    }),
});

Deno.test({
  name: "the options set environment and working folder",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using wrapper = await script(
        'echo "[$COLOUR $HOME $(pwd)]" >&2; exec qemu-system-x86_64 "$@"',
      );
      const cwd = await Deno.realPath("/usr/bin");
      await using launched = await launch({
        program: wrapper.program,
        args: NO_MACHINE,
        env: { COLOUR: "blue" },
        cwd,
      });
      const home = Deno.env.get("HOME") ?? "";
      assertEquals(launched.stderr, `[blue ${home} ${cwd}]\n`);
    }),
});

Deno.test("launch() names a working folder that does not exist", () =>
  leavingNothing(async () => {
    await assertRejects(
      () => launch({ program: "true", cwd: "/no/such/folder" }),
      Deno.errors.NotFound,
      "Cannot start true: its working folder /no/such/folder does not exist",
    );
  }));

Deno.test({
  name:
    "the control socket needs no deprecated option of QEMU, in a folder of any name",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      const odd = `${folder}/a,b=c d`;
      await Deno.mkdir(odd);
      Deno.env.set("TMPDIR", odd);
      {
        await using launched = await launch({ args: NO_MACHINE });
        const line = await Deno.readTextFile(`/proc/${launched.pid}/cmdline`);
        const [, ...args] = line.split("\0").slice(0, -1);
        const path = `${launched.folder.replaceAll(",", ",,")}/qmp`;
        assertEquals(args, [...NO_MACHINE, "-qmp", `unix:${path}`]);
        assertEquals(launched.stderr, "");
      }
      await Deno.remove(odd);
    }),
});

Deno.test({
  name: "a file that a shell has opened is a block device of QEMU",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      await Deno.writeTextFile(`${folder}/disk`, "x".repeat(4096));
      await using launched = await launch({
        program: "sh",
        args: [
          "-c",
          'exec 3<>"$0"; rm "$0"; exec qemu-system-x86_64 "$@"',
          `${folder}/disk`,
          ...["-add-fd", "fd=3,set=1,opaque=disk", ...NO_MACHINE],
        ],
      });
      await launched.client.execute("blockdev-add", {
        driver: "file",
        "node-name": "disk",
        filename: "/dev/fdset/1",
      });
      const [node] = await launched.client.execute(
        "query-named-block-nodes",
      ) as { image: { "virtual-size": number } }[];
      assertEquals(node?.image["virtual-size"], 4096);
    }),
});

Deno.test({
  name:
    "a file that node:child_process passes on is a block device of QEMU, which a client accepts",
  ...qemu,
  fn: () =>
    leavingNothing(async (folder) => {
      await Deno.writeTextFile(`${folder}/disk`, "x".repeat(4096));
      const fd = openSync(`${folder}/disk`, "r+");
      const listener = await unix({ path: `${folder}/qmp` }).listen();
      const qemu = spawn("qemu-system-x86_64", [
        ...["-add-fd", "fd=3,set=1", ...NO_MACHINE],
        ...["-qmp", `unix:${folder}/qmp`],
      ], { stdio: ["ignore", "ignore", "inherit", fd] });
      const exit = new Promise((resolve) => qemu.on("exit", resolve));
      await using client = new QMPClient();
      await client.accept(listener);
      await client.execute("blockdev-add", {
        driver: "file",
        "node-name": "disk",
        filename: "/dev/fdset/1",
      });
      await client.quit();
      assertEquals(await exit, 0);
      await listener.close();
      closeSync(fd);
      await Deno.remove(`${folder}/disk`);
    }),
});
