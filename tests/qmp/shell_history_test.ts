import { assertEquals } from "@std/assert";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { shellInTerminal } from "../support/qmp/qmp_shell.ts";

const terminal = needs("qemu-system-x86_64", "tmux");

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
