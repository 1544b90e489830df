import { assert, assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { CommandError, QMPServer, unix } from "../../mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { connected } from "../support/qmp/connected.ts";
import { type Outcome, runDeno } from "../support/program.ts";
import {
  needs,
  startGuestAgent,
  startQemu,
  startStorageDaemon,
} from "../support/servers/qemu.ts";

const root = new URL("../../", import.meta.url);

/** Deno's arguments in an example's own command line, and the file. */
async function argsOf(example: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(example, root));
  assert(text.split("\n").length <= 30, `${example} is too long`);
  const [, args = ""] = /^ \* deno (.*?\.ts) /m.exec(text) ?? [];
  assert(args.endsWith(example), `${example} does not say how to run it`);
  return ["run", "--no-prompt", ...args.split(" ").slice(1)];
}

/** Runs an example by its own command line, with these arguments instead. */
async function runExample(
  example: string,
  ...args: unknown[]
): Promise<Outcome> {
  return await runDeno([...await argsOf(example), ...args.map(String)]);
}

/** Starts an example, and returns the lines that it writes. */
async function startExample(example: string, ...args: unknown[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...await argsOf(example), ...args.map(String)],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  return { status: child.status, lines: lines.values() };
}

Deno.test({
  name: "qmp_status.ts prints a machine's status",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    const outcome = await runExample(
      "examples/qmp_status.ts",
      server.transport,
    );
    assertEquals(outcome, {
      code: 0,
      stdout: "one is prelaunch\n",
      stderr: "",
    });
  },
});

Deno.test({
  name: "qmp_events.ts shows the events of several machines until they end",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using one = await startQemu();
    await using two = await startQemu();
    const addresses = [String(one.transport), String(two.transport)];
    const { status, lines } = await startExample(
      "examples/qmp_events.ts",
      ...addresses,
    );
    const next = async () => (await lines.next()).value;
    assertEquals(
      [await next(), await next()].toSorted(),
      addresses.map((address) => `${address} is watched`).toSorted(),
    );
    for (const [index, { process }] of [one, two].entries()) {
      process.kill("SIGTERM");
      assertEquals(
        await next(),
        `${addresses[index]} SHUTDOWN { guest: false, reason: "host-signal" }`,
      );
    }
    assertEquals(await Array.fromAsync(lines), []);
    assertEquals((await status).code, 0);
  },
});

Deno.test({
  name: "qmp_backup.ts copies a disk, and shows its progress to the end",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    await using server = await startStorageDaemon();
    const { folder } = server.process;
    const filename = `${folder}/disk`;
    const size = 32 * 2 ** 20;
    const content = crypto.getRandomValues(new Uint8Array(4096));
    await Deno.writeFile(filename, content);
    await Deno.truncate(filename, size);
    {
      await using client = await connected(server);
      await client.execute("blockdev-add", {
        driver: "file",
        filename,
        "node-name": "disk",
      });
      const inject = { "inject-error": [{ event: "read_aio" }] };
      await client.execute("blockdev-add", {
        ...{ driver: "raw", "node-name": "broken" },
        file: { driver: "blkdebug", image: "disk", ...inject },
      });
    }
    // A copy that fails leaves nothing that is in the next one's way.
    for (
      const [disk, why] of [
        ["broken", "Job backup failed: Input/output error"],
        ["no", "Cannot copy no: there is no such disk"],
      ]
    ) {
      const { code, stderr } = await runExample(
        "examples/qmp_backup.ts",
        ...[server.transport, disk, `${folder}/copy`],
      );
      assertEquals([code, stderr], [1, `${why}\n`]);
    }
    const { code, stdout, stderr } = await runExample(
      "examples/qmp_backup.ts",
      ...[server.transport, "disk", `${folder}/copy`],
    );
    assertEquals([code, stderr], [0, ""]);
    const bars = stdout.trim().split("\r");
    for (const bar of bars) assertMatch(bar, /^#*\.* \d+ %$/);
    assertEquals(bars.at(-1), `${"#".repeat(40)} 100 %`);
    const copy = await Deno.readFile(`${folder}/copy`);
    assertEquals(copy.length, size);
    assertEquals(copy.slice(0, content.length), content);
  },
});

Deno.test("qmp_backup.ts reports why a copy fails, and then why its clean-up does", () =>
  inFolder(async (folder) => {
    await using server = new QMPServer({
      commands: {
        "query-named-block-nodes": () => [
          { "node-name": "disk", image: { "virtual-size": 512 } },
        ],
        "blockdev-create": async ({ "job-id": id }, { server }) => {
          await server.emit("BLOCK_JOB_COMPLETED", { device: id });
          await server.emit("JOB_STATUS_CHANGE", { id, status: "concluded" });
        },
        "blockdev-add": () => {},
        "blockdev-backup": () => {
          throw new CommandError("GenericError", "No space");
        },
        "blockdev-del": () => {
          throw new CommandError("GenericError", "Node is in use");
        },
        "query-jobs": () => [],
      },
    });
    const transport = unix({ path: `${folder}/socket` });
    server.serve(await transport.listen());
    const { code, stderr } = await runExample(
      "examples/qmp_backup.ts",
      ...[transport, "disk", "copy"],
    );
    const [first, then] = stderr.split("; then: ");
    assertEquals(code, 1);
    assertMatch(first ?? "", /blockdev-backup: No space/);
    assertMatch(then ?? "", /blockdev-del: Node is in use/);
  }));

Deno.test({
  name: "guest_ping.ts reports that the agent in a guest answers",
  ...needs("qemu-ga"),
  fn: async () => {
    await using agent = await startGuestAgent();
    const { code, stdout, stderr } = await runExample(
      "examples/guest_ping.ts",
      agent.transport,
    );
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, /^The guest's agent has answered within \d+ ms\n$/);
  },
});

Deno.test({
  name:
    "qmp_fake.ts answers the shell and socat like a QEMU, until it is told to quit",
  ...needs("socat"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    const address = `unix:${folder}/socket`;
    const { status, lines } = await startExample(
      "examples/qmp_fake.ts",
      address,
    );
    assertEquals((await lines.next()).value, `Listening at ${address}`);

    const socat = new Deno.Command("socat", {
      args: ["-t", "30", "-", `UNIX-CONNECT:${folder}/socket`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const commands = ["qmp_capabilities", "stop", "query-status"];
    const input = commands.map((execute) => JSON.stringify({ execute }));
    const [{ stdout }] = await Promise.all([
      socat.output(),
      new Blob([input.join("\n")]).stream().pipeTo(socat.stdin),
    ]);
    const answers = new TextDecoder().decode(stdout).trim().split("\r\n")
      .map((line) => JSON.parse(line));
    assert("QMP" in answers[0]);
    assert(answers.some(({ event }) => event === "STOP"));
    assertEquals(answers.at(-1), {
      return: { status: "paused", running: false },
    });

    const shell = (command: string) =>
      runDeno([
        ...["run", "--no-prompt", "--allow-net", "--allow-read"],
        ...["--allow-write", "qmp/shell.ts", "-c", command, address],
      ]);
    assertEquals(await shell("device_del id=nic0"), {
      code: 1,
      stdout: "",
      stderr: "DeviceNotFound: Device 'nic0' not found\n",
    });
    assertEquals((await shell("quit")).code, 0);
    assertEquals(await Array.fromAsync(lines), []);
    assertEquals((await status).code, 0);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("docs/real_protocols.md has the lines that count_lines.ts counts", async () => {
  const command = ["run", "--no-prompt", "--allow-read"];
  const { code, stdout } = await runDeno([
    ...command,
    "examples/count_lines.ts",
  ]);
  assertEquals(code, 0);
  const page = new URL("docs/real_protocols.md", root);
  const rows = [...(await Deno.readTextFile(page)).matchAll(
    /^\| \[.*?\]\(\.\.\/examples\/(\w+)\).*?\| (\d+) \(\d+\) \|/gm,
  )];
  const documented = rows.map(([, name, lines]) => `${name}: ${lines}`);
  assertEquals(documented.sort().join("\n"), stdout.trim());
  assertEquals(rows.length, 10);
});
