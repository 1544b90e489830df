/**
 * Shows what `deno lsp` has to say about a TypeScript file.
 *
 * deno run --allow-run --allow-read examples/language_server/main.ts FILE.ts
 */
import { LanguageServer } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [path = "mod.ts"] = commandLine("[FILE]");
const file = await Deno.realPath(path);
const uri = new URL(`file://${file}`).href;
await using server = new LanguageServer({
  command: Deno.execPath(),
  args: ["lsp"],
  root: new URL(".", uri).href,
  settings: { enable: true },
});
await server.start();
using reports = server.diagnostics(uri);
await server.open(uri, "typescript", await Deno.readTextFile(file));
const { diagnostics } = (await reports.next()).params;
for (const { range, message } of diagnostics) {
  console.log(`${file}:${range.start.line + 1}: ${message}`);
}
console.log(`${diagnostics.length} diagnostics`);
