import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { QMPServer } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { runGenerate } from "../support/qmp/generated_types.ts";

Deno.test("generate.ts has an exit code for each failure", async () => {
  const help = await runGenerate("--help");
  assertEquals([help.code, help.stderr], [0, ""]);
  assertMatch(help.stdout, /^Usage: qmp\/generate\.ts ADDRESS/);

  const none = await runGenerate();
  assertEquals([none.code, none.stdout], [2, ""]);
  assertMatch(
    none.stderr,
    /^Cannot connect: 0 addresses, expected one: see --help\n$/,
  );

  const bad = await runGenerate("nowhere");
  assertEquals([bad.code, bad.stdout], [2, ""]);
  assertStringIncludes(bad.stderr, 'address is "nowhere"');

  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const gone = await runGenerate(`unix:${folder}/socket`);
  await Deno.remove(folder);
  assertEquals([gone.code, gone.stdout], [3, ""]);
  assertMatch(gone.stderr, /^Failed to establish connection: .*\n$/);
});

Deno.test("generate.ts reports a malformed schema in one line", () =>
  inFolder(async (folder) => {
    const transport = unix({ path: `${folder}/socket` });
    await using server = new QMPServer({
      commands: {
        "query-qmp-schema": () => ({ "\x1b]0;x\x07": "\u009b\u202e" }),
      },
    });
    server.serve(await transport.listen());
    const { code, stdout, stderr } = await runGenerate(transport);
    assertEquals({ code, stdout }, { code: 3, stdout: "" });
    assertEquals(
      stderr,
      "Cannot read the server's schema: schema is " +
        '{"\\u001b]0;x\\u0007":"\\u{9b}\\u{202e}"}, expected an array\n',
    );
  }));
