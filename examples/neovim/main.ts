/**
 * Numbers the lines of the current buffer. Start Neovim first:
 * `nvim --listen /tmp/nvim.sock FILE`.
 *
 * deno run --allow-net --allow-read --allow-write examples/neovim/main.ts /tmp/nvim.sock
 */
import { Neovim } from "./neovim.ts";
import { commandLine } from "../support/command_line.ts";

const [path = "/tmp/nvim.sock"] = commandLine("[PATH]");
await using nvim = new Neovim();
await nvim.connect(path);
const lines = await nvim.lines();
await nvim.setLines(lines.map((line, i) => `${i + 1}. ${line}`));
console.log(`${lines.length} lines numbered`);
