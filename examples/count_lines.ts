/**
 * Counts the lines of each protocol in the folders beside it, without blank
 * lines, comments and demos.
 *
 * deno run --allow-read examples/count_lines.ts
 */
import { commandLine } from "./support/command_line.ts";

const NOT_PROTOCOLS = ["many_processes", "qmp_page", "support"];
const BLANK_OR_COMMENT = /^\s*($|\/\/|\/\*|\*)/;

commandLine("");
const here = import.meta.dirname ?? "examples";
const rows: string[] = [];
for await (const { name, isDirectory } of Deno.readDir(here)) {
  if (!isDirectory || NOT_PROTOCOLS.includes(name)) continue;
  rows.push(`${name}: ${await linesOf(`${here}/${name}`)}`);
}
console.log(rows.sort().join("\n"));

async function linesOf(folder: string): Promise<number> {
  let count = 0;
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".ts") || name === "main.ts") continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const lines = text.split("\n");
    count += lines.filter((line) => !BLANK_OR_COMMENT.test(line)).length;
  }
  return count;
}
