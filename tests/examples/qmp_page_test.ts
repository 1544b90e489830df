import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Browser } from "../../examples/cdp/browser.ts";
import { devTools } from "../../examples/cdp/dev_tools.ts";
import type { Page } from "../../examples/cdp/page.ts";
import { unix } from "../../mod.ts";
import { startChromium } from "../support/servers/chromium.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

/** Its name must not act on the page. */
const NAME = "<b>vm</b>";

/** QEMU, stopped before its first instruction. */
function startMachine(socket: string): Promise<RealServer> {
  return startServer({
    program: "qemu-system-x86_64",
    args: () => [
      ..."-machine none -nodefaults -display none -S -name".split(" "),
      ...[NAME, "-mon", "chardev=monitor,mode=control", "-chardev"],
      `socket,id=monitor,server=on,wait=on,path=${socket}`,
    ],
    ready: /waiting for connection/,
  }, async (process) => {
    await process.ready();
    return unix({ path: socket });
  });
}

/** Serves the page by the command line in its own comment. */
async function servePage({ transport }: RealServer) {
  const root = new URL("../../", import.meta.url);
  const file = "examples/qmp_page/main.ts";
  const text = await Deno.readTextFile(new URL(file, root));
  const [, flags = ""] = /^ \* deno run (.*) \S+main\.ts /m.exec(text) ?? [];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      ...flags.split(" "),
      file,
      `${transport}`,
      "0",
    ],
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  const reader = lines.getReader();
  const { value = "" } = await reader.read();
  return {
    url: value.replace("Open ", ""),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await reader.cancel();
    },
  };
}

declare module "../../examples/cdp/methods.ts" {
  interface Methods {
    "Input.insertText"(params: { text: string }): object;
    "Input.dispatchKeyEvent"(
      params: { type: "keyDown" | "keyUp"; key: string; text?: string },
    ): object;
  }
}

/** Types text where the focus is. */
async function type(page: Page, text: string): Promise<void> {
  await page.call("Input.insertText", { text });
}

/** Presses a key that is not text, such as `Enter` or `ArrowDown`. */
async function press(page: Page, key: string): Promise<void> {
  const text = key === "Enter" ? { text: "\r" } : {};
  for (const type of ["keyDown", "keyUp"] as const) {
    await page.call("Input.dispatchKeyEvent", { type, key, ...text });
  }
}

/** Waits until a text of the page matches, and returns it. */
async function shown(
  page: Page,
  selector: string,
  pattern: RegExp,
): Promise<string> {
  return await page.evaluate<string>(`new Promise((resolve) => {
    const check = () => {
      const elements = [...document.querySelectorAll(${
    JSON.stringify(selector)
  })];
      const text = elements.map((one) => one.innerText).join("|");
      if (!${pattern}.test(text)) return;
      observer.disconnect();
      resolve(text);
    };
    const observer = new MutationObserver(check);
    const all = { attributes: true, characterData: true };
    observer.observe(document, { subtree: true, childList: true, ...all });
    check();
  })`);
}

Deno.test({
  name:
    "the page of a QEMU shows its state and events, completes and runs commands, and outlives its QEMU",
  ...needs("chromium", "qemu-system-x86_64"),
  fn: async (t) => {
    await using files = await folder();
    const socket = `${files.path}/socket`;
    await using machine = await startMachine(socket);
    await using web = await servePage(machine);
    await using chromium = await startChromium();
    await using browser = new Browser();
    await browser.connect(devTools(chromium.http));
    await using page = await browser.newPage();
    await page.goto(web.url);
    const last = "#log > li:last-child";
    const line = () =>
      page.evaluate<string>("document.querySelector('#line').value");

    await t.step("it shows the machine", async () => {
      await shown(page, "#status", /^prelaunch$/);
      await shown(page, "#log", /^Connected to QEMU \d+\.\d+\.\d+$/);
      assertEquals(await shown(page, "#name", /vm/), NAME);
      assertEquals(await page.title(), NAME);
    });

    await t.step("a command is completed and run by the keyboard", async () => {
      await type(page, "query-stat");
      await shown(page, "#completions", /^query-stats\nquery-stats-schemas/);
      await press(page, "Escape");
      await type(page, "us");
      await press(page, "Tab");
      assertEquals(await line(), "query-status ");
      await press(page, "Enter");
      const reply = await shown(page, `${last} .reply`, /}/);
      assertEquals(JSON.parse(reply).status, "prelaunch");
      assertEquals(await line(), "");
      await press(page, "ArrowUp");
      assertEquals(await line(), "query-status");
    });

    await t.step("the state follows the machine's events", async () => {
      await page.click("#toggle");
      await shown(page, "#status", /^running$/);
      await shown(page, "#events", /^RESUME\n/);
      await page.evaluate("document.querySelector('#line').value = ''");
      await page.click("#line");
      await type(page, "stop");
      await press(page, "Enter");
      await shown(page, "#status", /^paused$/);
      await shown(page, "#events", /^STOP\n[\s\S]*RESUME\n/);
    });

    await t.step("completions are clicked, up to the values", async () => {
      await type(page, "object-add qom-");
      await shown(page, "#completions", /^qom-type=\nstring$/);
      await page.click("#completions li");
      await type(page, "iothr");
      await press(page, "ArrowDown");
      await press(page, "Enter");
      assertEquals(await line(), "object-add qom-type=iothread ");
      // Members that only this type has.
      await shown(page, "#completions", /^id=[\s\S]*poll-max-ns=/);
      await type(page, "id=io");
      await page.click("#run");
      await shown(page, last, /^object-add qom-type=iothread id=io\n{}$/);
    });

    await t.step("what fails says why", async () => {
      await type(page, "object-del id=nothing");
      await press(page, "Enter");
      assertMatch(
        await shown(page, `${last} .error`, /./),
        /^GenericError .*nothing/,
      );
      await type(page, "stop now");
      await press(page, "Enter");
      await shown(page, `${last} .error`, /^SyntaxError now is not key=value$/);
    });

    await t.step("it tells a loss, and connects again", async () => {
      machine.process.kill("SIGKILL");
      await shown(page, "#status", /^not connected$/);
      await shown(page, "#loss", /\. Trying again…$/);
      assertStringIncludes(
        await shown(page, last, /lost/),
        "Connection lost: ",
      );
      await type(page, "query-status");
      await press(page, "Enter"); // as the button, it does nothing now
      await machine.process.status;
      await Deno.remove(socket);
      await using _next = await startMachine(socket);
      await shown(page, "#status", /^prelaunch$/);
      await shown(page, last, /^Connected to/);
      await press(page, "Enter");
      await shown(page, `${last} .reply`, /"prelaunch"/);
    });
  },
});

async function folder() {
  const path = await Deno.makeTempDir({ prefix: "parley-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
