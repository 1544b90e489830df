import { Browser } from "../../../examples/cdp/browser.ts";
import { devTools } from "../../../examples/cdp/dev_tools.ts";
import type { Page } from "../../../examples/cdp/page.ts";
import { startChromium } from "./chromium.ts";

/** A page in a Chromium of its own. */
export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** The page's origin. */
  readonly origin: string;
}

/** Opens a page that has run this script. */
export async function openPage(script: string): Promise<OpenedPage> {
  await using stack = new AsyncDisposableStack();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ url }) => {
      const isScript = new URL(url).pathname === "/main.js";
      const type = isScript ? "text/javascript" : "text/html";
      return new Response(
        isScript ? script : `<!DOCTYPE html><script src="main.js"></script>`,
        { headers: { "content-type": `${type}; charset=utf-8` } },
      );
    },
  );
  stack.defer(() => server.shutdown());
  const chromium = stack.use(await startChromium());
  const browser = stack.use(new Browser());
  await browser.connect(devTools(chromium.http));
  const page = stack.use(await browser.newPage());
  const origin = `http://127.0.0.1:${server.addr.port}`;
  await page.goto(`${origin}/`);
  const owned = stack.move();
  return { page, origin, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
