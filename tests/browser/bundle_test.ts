import { assertEquals } from "@std/assert";
import { bundle } from "../support/bundle.ts";
import { runDeno } from "../support/program.ts";

const ENTRY_POINTS = [
  ...["browser", "protocol/mod", "protocol/codecs/mod", "qmp/mod"],
  ...["jsonrpc/mod", "jsonrpc/acp", "jsonrpc/lsp", "jsonrpc/mcp"],
  "msgpack/mod",
];

/** Talks QMP in memory, and shows an error of the transport. */
const SESSION = `
  import { memory, QMPClient, QMPServer } from "../../browser.ts";

  const transport = memory();
  const error = await transport.connect().catch((error) => error);
  const server = new QMPServer({ commands: { stop: () => ({ done: true }) } });
  server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  console.log(await client.execute("stop"), String(error));
  await client.disconnect();
  await server.close();
`.replace("../../browser.ts", import.meta.resolve("../../browser.ts"));

Deno.test("all that a browser can import is bundled without Node's modules, and runs without Deno", async () => {
  const imports = ENTRY_POINTS.map((name, index) => {
    const url = import.meta.resolve(`../../${name}.ts`);
    return `import * as m${index} from "${url}"; globalThis.m${index} = m${index};`;
  });
  const script = await bundle(imports.join("\n") + SESSION);
  assertEquals(script.match(/^import .*$|\bnode:\w+/gm), null);
  const file = await Deno.makeTempFile({ suffix: ".js" });
  try {
    await Deno.writeTextFile(file, `delete globalThis.Deno;\n${script}`);
    assertEquals(await runDeno(["run", "--no-prompt", "--no-config", file]), {
      code: 0,
      stdout: "{ done: true } ConnectionRefused: " +
        "Connect to memory:anonymous: nobody listens\n",
      stderr: "",
    });
  } finally {
    await Deno.remove(file);
  }
});
