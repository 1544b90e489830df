/**
 * Shows what `deno lsp` has to say about a TypeScript file.
 *
 * deno run --allow-run --allow-read examples/language_server/main.ts FILE.ts
 */
import { LanguageServer } from "./client.ts";

const file = await Deno.realPath(Deno.args[0] ?? "mod.ts");
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
