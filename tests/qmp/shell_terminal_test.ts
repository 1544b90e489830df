import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { shellInTerminal } from "../support/qmp/qmp_shell.ts";

const terminal = needs("qemu-system-x86_64", "tmux");

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
    await using plain = await shellInTerminal(server, { noColor: true });
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
