import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { TextLineStream } from "@std/streams";
import { QMPServer } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import { runDeno } from "../support/program.ts";
import {
  needs,
  type RealServer,
  startGuestAgent,
  startQemu,
  startStorageDaemon,
} from "../support/qemu.ts";
import { TestTerminal } from "../support/terminal.ts";

const program = new URL("../../qmp/shell.ts", import.meta.url).pathname;
const flags = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write"];
const qemu = needs("qemu-system-x86_64");
const terminal = needs("qemu-system-x86_64", "tmux");

/** Runs the shell with these arguments, on a server if one is given. */
async function shell(
  args: string[],
  server?: { transport: unknown },
  input?: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const address = server ? [String(server.transport)] : [];
  return await runDeno(["run", ...flags, program, ...args, ...address], input);
}

/** Runs the shell in a terminal, and waits for its prompt. */
async function shellInTerminal(
  server: RealServer,
  options: { args?: string; prompt?: RegExp; columns?: number } = {},
): Promise<TestTerminal> {
  const { args = "", prompt = /^qmp> $/m, columns = 80 } = options;
  const env = `env -u NO_COLOR XDG_STATE_HOME=${server.process.folder}`;
  const allowEnv = "--allow-env=HOME,XDG_STATE_HOME";
  const deno = `${Deno.execPath()} run ${flags.join(" ")} ${allowEnv}`;
  const command = `${env} ${deno} ${program} ${args} ${server.transport}`;
  const terminal = await TestTerminal.run(command, { columns });
  try {
    await terminal.shows(prompt);
    return terminal;
  } catch (error) {
    await terminal[Symbol.asyncDispose]();
    throw error;
  }
}

// From the command line, and from scripts.

Deno.test({
  name: "-c executes one command, and the exit code says whether it succeeded",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    assertEquals(await shell(["-c", "query-name"], server), {
      code: 0,
      stdout: '{"name":"one"}\n',
      stderr: "",
    });
    assertEquals(await shell(["-c", "device_del id=5"], server), {
      code: 1,
      stdout: "",
      stderr: "DeviceNotFound: Device '5' not found\n",
    });
    assertEquals(await shell(["-c", "device_del 5"], server), {
      code: 2,
      stdout: "",
      stderr:
        "Cannot read the argument 5: expected key=value or a JSON object\n",
    });
    assertEquals(await shell(["--pretty", "-c", "query-name"], server), {
      code: 0,
      stdout: '{\n  "name": "one"\n}\n',
      stderr: "",
    });
    assertEquals(
      await shell(
        ["-c", 'human-monitor-command {"command-line": "info name"}'],
        server,
      ),
      { code: 0, stdout: '"one\\r\\n"\n', stderr: "" },
    );
    assertEquals(await shell(["-H", "-c", "info name"], server), {
      code: 0,
      stdout: "one\n",
      stderr: "",
    });
    assertEquals(await shell(["-c", "quit"], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    assertEquals((await server.process.status).code, 0);
    const { code, stdout, stderr } = await shell(["-c", "stop"], server);
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
    assertEquals(await shell(["-H", "-c", "savevm x"], server), {
      code: 1,
      stdout: "",
      stderr: `Error: ${text}\n`,
    });
    assertEquals(await shell(["--json", "-H", "-c", "savevm x"], server), {
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
      const { code, stdout, stderr } = await shell(["-H", "-c", line], server);
      assertEquals({ line, code, stdout }, { line, code: 1, stdout: "" });
      assert(stderr.startsWith(start), stderr);
    }
    const script = "info name\nsing\ninfo status\n";
    const { code, stdout, stderr } = await shell(["-H"], server, script);
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
      const { code, stderr } = await shell(["-H", "-c", line], server);
      assertEquals({ line, code, stderr }, { line, code: 0, stderr: "" });
    }
  },
});

Deno.test({
  name: "--agent talks to a guest agent",
  ...needs("qemu-ga"),
  fn: async () => {
    await using server = await startGuestAgent();
    assertEquals(await shell(["--agent", "-c", "guest-ping"], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    const info = await shell(["--agent", "-c", "guest-info"], server);
    assertMatch(info.stdout, /^\{"version":"\d+\.\d+\.\d+",/);
    const open = "guest-file-open path=/dev/null mode=r";
    const { code, stdout } = await shell(["--agent", "-c", open], server);
    assertEquals(code, 0);
    assertMatch(stdout, /^\d+\n$/);
    assertEquals(await shell(["--agent", "-c", "guest-sing"], server), {
      code: 1,
      stdout: "",
      stderr: "CommandNotFound: The command guest-sing has not been found\n",
    });
    const oob = '{"exec-oob": "guest-ping"}';
    assertEquals(await shell(["--agent", "-c", oob], server), {
      code: 2,
      stdout: "",
      stderr: "Cannot execute the message: a guest agent knows only execute\n",
    });
  },
});

Deno.test("the shell ends when its output is closed, as other programs do", async () => {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const transport = unix({ path: `${folder}/socket` });
  let asked = 0;
  {
    await using server = new QMPServer({ commands: { ask: () => ++asked } });
    server.serve(await transport.listen());
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, program, String(transport)],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const writer = child.stdin.getWriter();
    const encoder = new TextEncoder();
    await writer.write(encoder.encode("ask\n"));
    const reader = child.stdout.getReader();
    assertEquals(new TextDecoder().decode((await reader.read()).value), "1\n");
    await reader.cancel();
    await writer.write(encoder.encode("ask\n".repeat(100)));
    assertEquals((await child.status).code, 141);
    await writer.close().catch(() => {});
  }
  assertEquals(asked, 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "a silent script does not hold a shell whose server has ended",
  ...qemu,
  fn: async () => {
    for (
      const [line, end, code] of [["quit", undefined, 0], [
        "stop",
        "SIGKILL",
        3,
      ]] as const
    ) {
      await using server = await startQemu();
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", ...flags, program, String(server.transport)],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(`${line}\n`));
      const lines = child.stdout.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream()).values();
      for await (const answer of lines) if (answer === "{}") break;
      if (end) server.process.kill(end);
      assertEquals((await child.status).code, code);
      const stderr = await new Response(child.stderr).text();
      assertEquals(stderr === "", code === 0, stderr);
      await writer.close().catch(() => {});
    }
  },
});

Deno.test({
  name: "--json writes whole messages, one a line",
  ...qemu,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    assertEquals(await shell(["--json", "-c", "query-name"], server), {
      code: 0,
      stdout: '{"return":{"name":"one"}}\n',
      stderr: "",
    });
    assertEquals(await shell(["--json", "-c", "device_del id=x"], server), {
      code: 1,
      stdout:
        `{"error":{"class":"DeviceNotFound","desc":"Device 'x' not found"}}\n`,
      stderr: "",
    });
    const script = "cont\nquery-status\n";
    const { code, stdout } = await shell(["--json"], server, script);
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
  name:
    "commands from the standard input are executed up to the first that fails",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const script = "# begin\n\ncont\nsing\nquit\n";
    const { code, stdout, stderr } = await shell([], server, script);
    assertEquals(code, 1);
    assertMatch(stdout, /^\d\d:\d\d:\d\d\.\d{3} RESUME$/m);
    assertMatch(stdout, /^\{\}$/m);
    assertEquals(
      stderr,
      "CommandNotFound: The command sing has not been found\n",
    );

    const open = await shell([], server, "transaction(\nabort");
    assertEquals([open.code, open.stdout], [2, ""]);
    assertEquals(
      open.stderr,
      "Cannot execute the transaction: it is not closed\n",
    );

    const aborted = await shell([], server, "transaction(\nabort\n)");
    assertEquals([aborted.code, aborted.stdout], [1, ""]);
    assertMatch(
      aborted.stderr,
      /^GenericError: Transaction aborted using Abort/,
    );

    const early = await shell([], server, "quit\nquery-status\n");
    assertEquals(early.code, 3);
    assertMatch(early.stderr, /^(QMPClient is disconnecting|Cannot execute)/m);
    assertEquals((await server.process.status).code, 0);
  },
});

Deno.test({
  name: "the shell talks to the storage daemon, which has no human monitor",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    await using server = await startStorageDaemon();
    const add =
      "blockdev-add driver=null-co node-name=true size=9007199254740993";
    assertEquals(await shell(["-c", add], server), {
      code: 0,
      stdout: "{}\n",
      stderr: "",
    });
    const { stdout } = await shell(["-c", "query-named-block-nodes"], server);
    assertStringIncludes(stdout, '"node-name":"true"');
    const people = await shell(["-H", "-c", "info name"], server);
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
    assertEquals(await shell(["-c", "add a=2 b=3"], { transport }), {
      code: 0,
      stdout: "5\n",
      stderr: "",
    });
    assertEquals(await shell(["-c", '{"id": 5}'], { transport }), {
      code: 2,
      stdout: "",
      stderr: "Cannot execute: message names no command\n",
    });
  }
  await Deno.remove(folder);
});

Deno.test("the shell prints its usage, and what was wrong", async () => {
  const help = await shell(["--help"]);
  assertEquals([help.code, help.stderr], [0, ""]);
  assertMatch(help.stdout, /^Usage: qmp\/shell\.ts /);
  assert(help.stdout.split("\n").every((line) => line.length <= 79));
  assertEquals(await shell([]), {
    code: 2,
    stdout: "",
    stderr: "Expected one address, got 0: see --help\n",
  });
  const { code, stderr } = await shell(["nowhere"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'address is "nowhere"');
});

// In a terminal.

Deno.test({
  name: "the shell completes commands, arguments and values, and shows results",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    await using shell = await shellInTerminal(server);
    const welcome = await shell.screen();
    assertMatch(welcome, /^Connected to version \d+\.\d+\.\d+, /);
    await shell.type("query-ver");
    await shell.shows(/^qmp> query-ver$/m);
    await shell.press("Tab");
    await shell.shows(/^qmp> query-version $/m);
    await shell.press("Enter");
    await shell.shows(/^ {2}"package": ".*"\n\}\nqmp> $/m);

    await shell.type("blockdev-add driver=null-a");
    await shell.shows(/null-a$/m);
    await shell.press("Tab");
    await shell.shows(/^qmp> blockdev-add driver=null-aio $/m);
    await shell.type("no");
    await shell.shows(/null-aio no$/m);
    await shell.press("Tab");
    await shell.shows(/null-aio node-name=$/m);
    await shell.type("disk");
    await shell.shows(/node-name=disk$/m);
    await shell.press("Enter");
    await shell.shows(/node-name=disk\n\{\}\nqmp> $/m);

    await shell.type("jo");
    await shell.shows(/^qmp> jo$/m);
    await shell.press("Tab");
    await shell.shows(/^qmp> job-$/m);
    await shell.press("Tab");
    await shell.shows(/^job-cancel +job-complete[^]*^qmp> job-$/m);
  },
});

for (
  const id of ["a-name-that-is-longer-than-the-terminal", "磁盘".repeat(12)]
) {
  Deno.test({
    name:
      `an event during the editing of a line leaves the line unchanged: ${id}`,
    ...terminal,
    fn: async () => {
      await using server = await startQemu();
      await using shell = await shellInTerminal(server, { columns: 40 });
      await shell.enter("cont");
      await shell.shows(/RESUME\n[^]*^qmp> $/m);
      const line = `device_del id=${id} and=more`;
      await shell.type(line);
      await shell.shows(new RegExp(`^qmp> ${line}$`, "m"));
      server.process.kill("SIGTERM");
      const end = await shell.shows(/\[0\]/);
      assertMatch(end, new RegExp(`SHUTDOWN.*\nqmp> ${line}\n`));
      assertMatch(end, /^The server has ended the session\n\[0\]$/m);
    },
  });
}

Deno.test({
  name:
    "errors are red and events yellow in a terminal, unless NO_COLOR is set",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    {
      await using shell = await shellInTerminal(server);
      await shell.enter("sing");
      await shell.enter("cont");
      await shell.shows(/RESUME[^]*^qmp> $/m);
      const screen = await shell.colouredScreen();
      assertStringIncludes(screen, "\x1b[31mCommandNotFound: ");
      assertStringIncludes(screen, "\x1b[33mRESUME");
      await shell.press("C-d");
      await shell.shows(/\[0\]/);
    }
    const address = String(server.transport);
    const deno = `${Deno.execPath()} run ${flags.join(" ")}`;
    await using plain = await TestTerminal.run(
      `NO_COLOR=1 ${deno} ${program} ${address}`,
    );
    await plain.shows(/^qmp> $/m);
    await plain.enter("sing");
    await plain.shows(/CommandNotFound[^]*^qmp> $/m);
    assert(!(await plain.colouredScreen()).includes("\x1b["));
  },
});

Deno.test({
  name: "a transaction is entered line by line",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    await using shell = await shellInTerminal(server);
    await shell.enter("transaction(");
    await shell.shows(/^transaction> $/m);
    await shell.enter("abort");
    await shell.shows(/^transaction> abort\ntransaction> $/m);
    await shell.enter(")");
    await shell.shows(/^GenericError: Transaction aborted .*\nqmp> $/m);
  },
});

Deno.test({
  name: "the human monitor has its own prompt and completions",
  ...terminal,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    await using shell = await shellInTerminal(server, {
      args: "--hmp",
      prompt: /^\(qemu\) $/m,
    });
    await shell.enter("info name");
    await shell.shows(/^\(qemu\) info name\none\n\(qemu\) $/m);
    await shell.type("system_res");
    await shell.shows(/system_res$/m);
    await shell.press("Tab");
    await shell.shows(/system_reset$/m);
    await shell.press("C-u");
    await shell.enter("quit");
    await shell.shows(/^The server has ended the session\n\[0\]$/m);
  },
});

Deno.test({
  name: "entered lines come back with the arrow keys, and in the next shell",
  ...terminal,
  fn: async () => {
    await using server = await startQemu({ args: ["-name", "one"] });
    {
      await using shell = await shellInTerminal(server);
      await shell.enter("query-name");
      await shell.shows(/"one"[^]*^qmp> $/m);
      await shell.enter("query-kvm");
      await shell.shows(/"enabled"[^]*^qmp> $/m);
      await shell.press("Up");
      await shell.shows(/^qmp> query-kvm$[^]*^qmp> query-kvm$/m);
      await shell.press("C-u");
      await shell.shows(/^qmp> $/m);
      await shell.press("C-d");
      await shell.shows(/^\[0\]$/m);
    }
    const path = `${server.process.folder}/parley/qmp_history`;
    assertEquals(await Deno.readTextFile(path), "query-name\nquery-kvm\n");
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    await using shell = await shellInTerminal(server);
    await shell.press("Up");
    await shell.shows(/^qmp> query-kvm$/m);
    await shell.press("Up");
    await shell.shows(/^qmp> query-name$/m);
    await shell.press("Enter");
    await shell.shows(/"one"/);
  },
});

Deno.test({
  name: "a line with a secret, or with a blank before it, is not kept",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    {
      await using shell = await shellInTerminal(server);
      const lines = [
        "query-kvm",
        "set_password protocol=vnc password=hunter2",
        "object-add qom-type=secret id=s data=hunter2",
        "qom-set path=/objects/s property=data value=hunter2",
        '{"execute": "set_password", "arguments": {"password": "hunter2"}}',
        " query-name",
        "blockdev-add driver=null-co node-name=a",
      ];
      for (const [n, line] of lines.entries()) {
        await shell.enter(line);
        const prompts = n + 2;
        await shell.shows((text) =>
          text.match(/^qmp>/gm)?.length === prompts && /^qmp> $/m.test(text)
        );
      }
      await shell.press("C-d");
      await shell.shows(/^\[0\]$/m);
    }
    const path = `${server.process.folder}/parley/qmp_history`;
    assertEquals(
      await Deno.readTextFile(path),
      "query-kvm\nblockdev-add driver=null-co node-name=a\n",
    );
  },
});

Deno.test({
  name: "help shows how to type commands, unless the server has a command help",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    {
      await using shell = await shellInTerminal(server);
      await shell.enter("help");
      await shell.shows(/^A line is one of these:\n[^]*^qmp> $/m);
      await shell.press("C-d");
      await shell.shows(/^\[0\]$/m);
    }
    const options = { args: "--hmp", prompt: /^\(qemu\) $/m };
    await using people = await shellInTerminal(server, options);
    await people.enter("help");
    await people.shows(/^help\|\? \[cmd\] -- show the help$/m);
  },
});

Deno.test({
  name: "Ctrl-C leaves, also while a command waits for its answer",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    {
      await using shell = await shellInTerminal(server);
      await shell.type("some line");
      await shell.shows(/some line$/m);
      await shell.press("C-c");
      await shell.shows(/^qmp> some line\n\[130\]$/m);
    }
    await using shell = await shellInTerminal(server);
    server.process.kill("SIGSTOP");
    await shell.enter("query-name");
    await shell.press("C-c");
    await shell.shows(/^qmp> query-name\n+\[130\]$/m);
  },
});

Deno.test({
  name: "quit ends the server and then the shell",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    await using shell = await shellInTerminal(server);
    await shell.enter("quit");
    await shell.shows(/SHUTDOWN[^]*^\[0\]$/m);
    assertEquals((await server.process.status).code, 0);
  },
});

Deno.test({
  name: "a server that is killed ends the shell in order",
  ...terminal,
  fn: async () => {
    await using server = await startQemu();
    await using shell = await shellInTerminal(server);
    server.process.kill("SIGKILL");
    await shell.shows(/^qmp> \n+The server has ended the session\n\[0\]$/m);
  },
});
