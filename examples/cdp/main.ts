/**
 * Opens a page, tells its title, and saves what it looks like. Start a browser
 * first: `chromium --headless --remote-debugging-port=9222`.
 *
 * deno run --allow-net --allow-write examples/cdp/main.ts http://127.0.0.1:9222 https://example.com page.png
 */
import { Browser } from "./browser.ts";
import { devTools } from "./dev_tools.ts";
import { commandLine } from "../support/command_line.ts";

const [
  address = "http://127.0.0.1:9222",
  url = "https://example.com",
  file = "page.png",
] = commandLine("[ADDRESS] [URL] [FILE]");
await using browser = new Browser();
await browser.connect(devTools(address));
await using page = await browser.newPage();
await page.goto(url);
console.log(await page.title());
await Deno.writeFile(file, await page.screenshot());
