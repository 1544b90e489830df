import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { QMPServer } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import {
  needs,
  startGuestAgent,
  startQemu,
  startStorageDaemon,
} from "../support/servers/qemu.ts";
import { runShell } from "../support/qmp/qmp_shell.ts";

const qemu = needs("qemu-system-x86_64");

Deno.test({
  name: "-c executes one command, and the exit code says whether it succeeded",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    assertEquals(await runShell(["-c", "query-name"], server), {
      code: 0,
      stdout: '{"name":"one"}\n',
      stderr: "",
    });
    assertEquals(await runShell(["-c", "device_del id=5"], server), {
      code: 1,
      stdout: "",
      stderr: "DeviceNotFound: Device '5' not found\n",
    });
    assertEquals(await runShell(["-c", "device_del 5"], server), {
      code: 2,
      stdout: "",
      stderr:
        "Cannot read the argument 5: expected key=value or a JSON object\n",
    });
    assertEquals(await runShell(["--pretty", "-c", "query-name"], server), {
      code: 0,
      stdout: '{\n  "name": "one"\n}\n',
      stderr: "",
    });
    assertEquals(
      await runShell(
        ["-c", 'human-monitor-command {"command-line": "info name"}'],
        server,
      ),
      { code: 0, stdout: '"one\\r\\n"\n', stderr: "" },
    );
    assertEquals(await runShell(["-H", "-c", "info name"], server), {
      code: 0,
      stdout: "one\n",
      stderr: "",
    });
    assertEquals(await runShell(["-c", "quit"], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    assertEquals((await server.process.status).code, 0);
    const { code, stdout, stderr } = await runShell(["-c", "stop"], server);
    assertEquals({ code, stdout }, { code: 3, stdout: "" });
    assertMatch(stderr, /^Failed to establish connection: Connect to unix:/);
  },
});

Deno.test({
  name: "a command that fails in the human monitor fails in the shell",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ machine: true });
    const text = "no block device can store vmstate for snapshot";
    assertEquals(await runShell(["-H", "-c", "savevm x"], server), {
      code: 1,
      stdout: "",
      stderr: `Error: ${text}\n`,
    });
    assertEquals(await runShell(["--json", "-H", "-c", "savevm x"], server), {
      code: 1,
      stdout: `{"return":"Error: ${text}"}\n`,
      stderr: "",
    });
    // The monitor has many texts for a failure.
    const failing = [
      ["sing", "unknown command: 'sing'"],
      ["info sing", "unknown command: 'info sing'"],
      ["device_del x", "Error: Device 'x' not found"],
      ["commit x", "Device 'x' not found"],
      ["logfile /a/b/c", "Error opening logfile /a/b/c: No such file"],
      ["print 1/0", "division by zero"],
      ["migrate", "migrate: string expected"],
      ["sendkey foo", "invalid parameter: foo"],
      ["drive_add 0 x", "warning: short-form boolean option 'x' deprecated"],
      ["boot_set x", "Invalid boot device 'x'"],
    ];
    for (const [line = "", start = ""] of failing) {
      const { code, stdout, stderr } = await runShell(
        ["-H", "-c", line],
        server,
      );
      assertEquals({ line, code, stdout }, { line, code: 1, stdout: "" });
      assert(stderr.startsWith(start), stderr);
    }
    const script = "info name\nsing\ninfo status\n";
    const { code, stdout, stderr } = await runShell(["-H"], server, script);
    assertEquals(code, 1);
    assertEquals([stdout, stderr], ["", "unknown command: 'sing'\n"]);
    const fine = [
      "info registers",
      "info qtree",
      "help",
      "info version",
      "nmi",
    ];
    for (const line of fine) {
      const { code, stderr } = await runShell(["-H", "-c", line], server);
      assertEquals({ line, code, stderr }, { line, code: 0, stderr: "" });
    }
  },
});

Deno.test({
  name: "--agent talks to a guest agent",
  ...needs("qemu-ga"),
  fn: async () => {
    await using server = await startGuestAgent();
    assertEquals(await runShell(["--agent", "-c", "guest-ping"], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    const info = await runShell(["--agent", "-c", "guest-info"], server);
    assertMatch(info.stdout, /^\{"version":"\d+\.\d+\.\d+",/);
    const open = "guest-file-open path=/dev/null mode=r";
    const { code, stdout } = await runShell(["--agent", "-c", open], server);
    assertEquals(code, 0);
    assertMatch(stdout, /^\d+\n$/);
    assertEquals(await runShell(["--agent", "-c", "guest-sing"], server), {
      code: 1,
      stdout: "",
      stderr: "CommandNotFound: The command guest-sing has not been found\n",
    });
    const oob = '{"exec-oob": "guest-ping"}';
    assertEquals(await runShell(["--agent", "-c", oob], server), {
      code: 2,
      stdout: "",
      stderr: "Cannot execute the message: a guest agent knows only execute\n",
    });
  },
});

Deno.test({
  name: "--json writes whole messages, one a line",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    assertEquals(await runShell(["--json", "-c", "query-name"], server), {
      code: 0,
      stdout: '{"return":{"name":"one"}}\n',
      stderr: "",
    });
    assertEquals(await runShell(["--json", "-c", "device_del id=x"], server), {
      code: 1,
      stdout:
        `{"error":{"class":"DeviceNotFound","desc":"Device 'x' not found"}}\n`,
      stderr: "",
    });
    const script = "cont\nquery-status\n";
    const { code, stdout } = await runShell(["--json"], server, script);
    assertEquals(code, 0);
    const messages = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const events = messages.filter(({ event }) => event);
    assertEquals(events.map(({ event }) => event), ["RESUME"]);
    const results = messages.filter((message) => "return" in message);
    assertEquals(results.length, 2);
    assertEquals(results[1].return.status, "running");
  },
});

Deno.test({
  name: "the shell talks to the storage daemon, which has no human monitor",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    await using server = await startStorageDaemon();
    const add =
      "blockdev-add driver=null-co node-name=true size=9007199254740993";
    assertEquals(await runShell(["-c", add], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    const { stdout } = await runShell(
      ["-c", "query-named-block-nodes"],
      server,
    );
    assertStringIncludes(stdout, '"node-name":"true"');
    const people = await runShell(["-H", "-c", "info name"], server);
    assertEquals([people.code, people.stdout], [1, ""]);
    assertMatch(people.stderr, /^CommandNotFound: /);
  },
});

Deno.test("the shell talks to a server without a schema", async () => {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const transport = unix({ path: `${folder}/socket` });
  {
    await using server = new QMPServer({
      commands: {
        "query-qmp-schema": () => {
          throw new Error("Not here");
        },
        add: ({ a, b }) => Number(a) + Number(b),
      },
    });
    server.serve(await transport.listen());
    assertEquals(await runShell(["-c", "add a=2 b=3"], { transport }), {
      code: 0,
      stdout: "5\n",
      stderr: "",
    });
    assertEquals(await runShell(["-c", '{"id": 5}'], { transport }), {
      code: 2,
      stdout: "",
      stderr: "Cannot execute: message names no command\n",
    });
  }
  await Deno.remove(folder);
});

Deno.test("the shell prints its usage, and what was wrong", async () => {
  const help = await runShell(["--help"]);
  assertEquals([help.code, help.stderr], [0, ""]);
  assertMatch(help.stdout, /^Usage: qmp\/shell\.ts /);
  assert(help.stdout.split("\n").every((line) => line.length <= 79));
  assertEquals(await runShell([]), {
    code: 2,
    stdout: "",
    stderr: "Cannot connect: 0 addresses, expected one: see --help\n",
  });
  const { code, stderr } = await runShell(["nowhere"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'address is "nowhere"');
});
