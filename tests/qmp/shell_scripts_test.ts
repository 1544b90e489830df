import { assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { QMPServer } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { runShell, spawnShell } from "../support/qmp/qmp_shell.ts";

const qemu = needs("qemu-system-x86_64");

Deno.test("the shell and generate.ts say that a disk is full, and exit with 141", () =>
  inFolder(async (folder) => {
    const transport = unix({ path: `${folder}/socket` });
    await using server = new QMPServer({ commands: { ask: () => 1 } });
    server.serve(await transport.listen());
    for (const program of ["shell.ts -c ask", "generate.ts"]) {
      const deno = `${Deno.execPath()} run --allow-all`;
      const path = new URL(`../../qmp/${program}`, import.meta.url).pathname;
      const line = `${deno} ${decodeURI(path)} ${transport} > /dev/full`;
      const { code, stderr } = await new Deno.Command("sh", {
        args: ["-c", line],
      }).output();
      assertEquals(
        new TextDecoder().decode(stderr),
        "Cannot write the output: No space left on device (os error 28)\n",
      );
      assertEquals(code, 141);
    }
  }));

Deno.test("the shell ends when its output is closed, as other programs do", () =>
  inFolder(async (folder) => {
    const transport = unix({ path: `${folder}/socket` });
    let asked = 0;
    {
      await using server = new QMPServer({ commands: { ask: () => ++asked } });
      server.serve(await transport.listen());
      const child = spawnShell({ transport });
      const writer = child.stdin.getWriter();
      const encoder = new TextEncoder();
      await writer.write(encoder.encode("ask\n"));
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      assertEquals(new TextDecoder().decode(value), "1\n");
      await reader.cancel();
      await writer.write(encoder.encode("ask\n".repeat(100)));
      assertEquals((await child.status).code, 141);
      assertEquals(await new Response(child.stderr).text(), "");
      await writer.close().catch(() => {});
    }
    assertEquals(asked, 2);
  }));

Deno.test({
  name: "a silent script does not hold a shell whose server has ended",
  ...qemu,
  fn: async () => {
    const ends = [["quit", undefined, 0], ["stop", "SIGKILL", 3]] as const;
    for (const [line, end, code] of ends) {
      await using server = await startQemu();
      const child = spawnShell(server);
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
  name:
    "commands from the standard input are executed up to the first that fails",
  ...qemu,
  fn: async () => {
    await using server = await startQemu();
    const script = "# begin\n\ncont\nsing\nquit\n";
    const { code, stdout, stderr } = await runShell([], server, script);
    assertEquals(code, 1);
    assertMatch(stdout, /^\d\d:\d\d:\d\d\.\d{3} RESUME$/m);
    assertMatch(stdout, /^\{\}$/m);
    assertEquals(
      stderr,
      "CommandNotFound: The command sing has not been found\n",
    );

    const open = await runShell([], server, "transaction(\nabort");
    assertEquals([open.code, open.stdout], [2, ""]);
    assertEquals(
      open.stderr,
      "Cannot execute the transaction: it is not closed\n",
    );

    const aborted = await runShell([], server, "transaction(\nabort\n)");
    assertEquals([aborted.code, aborted.stdout], [1, ""]);
    assertMatch(
      aborted.stderr,
      /^GenericError: Transaction aborted using Abort/,
    );

    const early = await runShell([], server, "quit\nquery-status\n");
    assertEquals(early.code, 3);
    assertMatch(early.stderr, /^(QMPClient is disconnecting|Cannot execute)/m);
    assertEquals((await server.process.status).code, 0);
  },
});
