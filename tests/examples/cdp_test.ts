import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { Browser } from "../../examples/cdp/browser.ts";
import { devTools } from "../../examples/cdp/dev_tools.ts";
import type { Message } from "../../examples/cdp/methods.ts";
import { CDPError } from "../../examples/cdp/session.ts";
import {
  CallError,
  CallInterruptedError,
  CallTimeoutError,
  json,
  memoryPair,
  ParleyError,
  Peer,
  reconnecting,
  StateError,
  tcp,
  TruncatedMessageError,
  webSocket,
  webSocketText,
} from "../../mod.ts";
import { faulty, type InjectedFault, testCodec } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { startChromium } from "../support/servers/chromium.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";

const chromium = needs("chromium");

/** A page with a title, a red square, and a button that changes both. */
const HTML = `<!DOCTYPE html><title>Ready</title><style>body { margin: 0 }
div { width: 100px; height: 100px; background: rgb(255, 0, 0) }</style>
<div></div><button onclick="
  document.title = 'Clicked';
  document.querySelector('div').style.background = 'rgb(0, 0, 255)';
">Go on</button>`;

/** Serves the page at any path. */
function serveHTML() {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(HTML, { headers: { "content-type": "text/html" } }),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The colour of a point of a PNG file, as another page sees it. */
function colourAt(png: Uint8Array, x: number, y: number): string {
  return `(async () => {
    const response = await fetch("data:image/png;base64,${png.toBase64()}");
    const image = await createImageBitmap(await response.blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(${x}, ${y}, 1, 1).data.join();
  })()`;
}

function once(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener("abort", resolve));
}

const text = (json: string) => {
  const bytes = new TextEncoder().encode(json);
  return Uint8Array.of(0x81, bytes.length, ...bytes);
};

testCodec<Message>("the codec of CDP", (options) => {
  return json<Message>(webSocketText(options));
}, {
  "a reply": {
    input: text(`{"id":1,"result":{"product":"Chrome"},"sessionId":"A"}`),
    messages: [{ id: 1, result: { product: "Chrome" }, sessionId: "A" }],
  },
  "an event, then a part of a message": {
    input: Uint8Array.of(
      ...text(`{"method":"Page.loadEventFired","params":{}}`),
      ...[0x81, 3, 0x7b],
    ),
    messages: [{ method: "Page.loadEventFired", params: {} }],
    error: { class: TruncatedMessageError },
  },
}, {
  sized: (bytes) => ({ method: "x".repeat(bytes) }),
});

Deno.test({
  name: "Chromium: opens a page, reads its title, clicks, and takes pictures",
  ...chromium,
  fn: async () => {
    await using web = serveHTML();
    await using chromium = await startChromium();
    await using browser = new Browser();
    await browser.connect(webSocket({ url: chromium.url, messages: true }));
    const { product } = await browser.session.call("Browser.getVersion", {});
    assertMatch(product, /Chrome/);

    await using page = await browser.newPage();
    await page.goto(web.url);
    assertEquals(await page.title(), "Ready");
    const before = await page.screenshot();
    await page.click("button");
    assertEquals(await page.title(), "Clicked");
    const after = await page.screenshot();

    await using viewer = await browser.newPage();
    const colours = [before, after].map((png) => colourAt(png, 50, 50));
    assertEquals(
      await Promise.all(colours.map((code) => viewer.evaluate(code))),
      ["255,0,0,255", "0,0,255,255"],
    );
    const file = Deno.env.get("PARLEY_SCREENSHOT");
    if (file) await Deno.writeFile(file, after);
  },
});

Deno.test({
  name: "Chromium: ten pages in one connection, each with its own replies",
  ...chromium,
  fn: async () => {
    await using web = serveHTML();
    await using chromium = await startChromium();
    await using browser = new Browser();
    await browser.connect(devTools(chromium.http));
    const pages = await Promise.all(
      Array.from({ length: 10 }, () => browser.newPage()),
    );
    await Promise.all(pages.map((page, n) => page.goto(`${web.url}?${n}`)));
    const places = pages.map((page) => page.evaluate("location.search"));
    assertEquals(
      await Promise.all(places),
      pages.map((_, n) => `?${n}`),
    );

    const [first, second, third] = pages;
    assert(first && second && third);
    const waiting = rejection(first.evaluate("new Promise(() => {})"));
    await first[Symbol.asyncDispose]();
    const error = await waiting;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["Runtime.evaluate", true]);
    assertInstanceOf(error.cause, CDPError);
    assertEquals(await second.title(), "Ready");

    // A page that crashes ends its own calls alone.
    await assertRejects(() => third.goto("chrome://crash"), ParleyError);
    if (!third.signal.aborted) await once(third.signal);
    const late = await rejection(third.title());
    assertInstanceOf(late, CallError);
    assertEquals(late.sent, false);
    assertMatch(String(late.cause), /Page has crashed/);
    assertEquals(await second.title(), "Ready");
  },
});

Deno.test({
  name: "Chromium: what fails says why, and the page goes on",
  ...chromium,
  fn: async () => {
    await using chromium = await startChromium();
    await using browser = new Browser();
    await browser.connect(devTools(chromium.http));
    await using page = await browser.newPage();
    await assertRejects(
      () => page.evaluate("nonsense"),
      CDPError,
      "nonsense is not defined",
    );
    await assertRejects(() => page.click("#no"), CDPError, "matches nothing");
    await assertRejects(
      () => page.goto("http://127.0.0.1:1/"),
      CDPError,
      "Cannot open http://127.0.0.1:1/: net::ERR_",
    );
    await assertRejects(() => page.goto("nonsense"), CDPError, "invalid URL");
    const reason = new Error("enough");
    const aborted = new AbortController();
    const waiting = page.evaluate("new Promise(() => {})", aborted);
    aborted.abort(reason);
    assertEquals(await rejection(waiting), reason);
    assertEquals(await page.evaluate("6 * 7"), 42);
  },
});

Deno.test({
  name: "Chromium: a page that comes when nobody waits for it is closed",
  ...chromium,
  fn: async () => {
    await using chromium = await startChromium();
    await using browser = new Browser();
    await browser.connect(devTools(chromium.http));
    const targets = async (): Promise<{ type: string }[]> =>
      await (await fetch(new URL("/json/list", chromium.http))).json();
    const pages = async () =>
      (await targets()).filter(({ type }) => type === "page").length;
    const before = await pages();
    const reason = new Error("enough");
    const aborted = new AbortController();
    const { signal } = aborted;
    const opening = rejection(browser.newPage({ signal }));
    const late = rejection(browser.newPage({ timeout: 1 }));
    aborted.abort(reason);
    assertEquals(await opening, reason);
    assertInstanceOf(await late, CallTimeoutError);
    assertEquals(await rejection(browser.newPage({ signal })), reason);
    await (await browser.newPage())[Symbol.asyncDispose]();
    while (await pages() > before);
  },
});

Deno.test("CDP: a page that is closed while it is opened is told at once", async () => {
  const [near, far] = memoryPair();
  const codec = () => json<Message>(webSocketText());
  await using server = new Peer<Message>({ codec });
  const browser = new Browser();
  await Promise.all([browser.connect(near), server.connect(far)]);
  const opening = rejection(browser.newPage());
  const create = await server.receive();
  await server.send({ id: create.id, result: { targetId: "T" } });
  const attach = await server.receive();
  const params = { sessionId: "S", targetInfo: { targetId: "T" } };
  // Chromium tells all this at once.
  server.send({ method: "Target.attachedToTarget", params });
  server.send({ id: attach.id, result: { sessionId: "S" } });
  server.send({ method: "Target.detachedFromTarget", params });
  const close = await server.receive();
  assertEquals(close.method, "Target.closeTarget");
  const error = await opening;
  assertInstanceOf(error, CDPError);
  assertEquals(error.message, "Page is closed");
  await browser.disconnect();
});

Deno.test({
  name: "Chromium: a connection that is split and delayed changes nothing",
  ...chromium,
  fn: async () => {
    await using web = serveHTML();
    await using chromium = await startChromium();
    const { url } = chromium;
    const { hostname, port } = new URL(url);
    const faults: InjectedFault[] = [];
    const over = faulty(tcp({ hostname, port: Number(port) }), {
      faults: ["split", "delay"],
      every: 200,
      onFault: (fault) => faults.push(fault),
    });
    await using browser = new Browser();
    await browser.connect(webSocket({ url, messages: true, over }));
    await using page = await browser.newPage();
    await page.goto(web.url);
    await page.click("button");
    assertEquals(await page.title(), "Clicked");
    assert((await page.screenshot()).length > 1000);
    assert(faults.length > 10, `${over}: ${faults.length} faults`);
  },
});

Deno.test({
  name:
    "Chromium: killed in the middle, calls say that they were sent, and the client finds its successor",
  ...chromium,
  fn: async () => {
    let http: string;
    const browser = new Browser();
    let page;
    let lost;
    {
      await using first = await startChromium();
      http = first.http;
      await browser.connect(devTools(http));
      page = await browser.newPage();
      lost = browser.runstateChanged();
      const waiting = rejection(page.evaluate("new Promise(() => {})"));
      await page.title();
      first.process.kill("SIGKILL");
      const error = await waiting;
      assertInstanceOf(error, CallInterruptedError);
      assertEquals([error.method, error.sent], ["Runtime.evaluate", true]);
    }
    await lost;
    const late = await rejection(page.title());
    assertInstanceOf(late, CallError);
    assertEquals(late.sent, false);
    await assertRejects(() => browser.newPage(), StateError);
    await browser.disconnect().catch(() => {});

    await using connection = reconnecting(browser, devTools(http), {
      initialDelay: 20,
      maxDelay: 200,
    });
    await using _second = await startChromium(Number(new URL(http).port));
    await connection.connected({ signal: AbortSignal.timeout(20_000) });
    await using again = await browser.newPage();
    assertEquals(await again.evaluate("6 * 7"), 42);
  },
});

Deno.test({
  name: "examples/cdp/main.ts runs",
  ...chromium,
  fn: async () => {
    await using web = serveHTML();
    await using chromium = await startChromium();
    const { http, process } = chromium;
    const file = `${process.folder}/page.png`;
    assertEquals(
      await runDeno([
        ...["run", "--no-prompt", "--allow-net", "--allow-write"],
        ...["examples/cdp/main.ts", http, web.url, file],
      ]),
      { code: 0, stdout: "Ready\n", stderr: "" },
    );
    const [, ...signature] = (await Deno.readFile(file)).subarray(0, 4);
    assertEquals(String.fromCharCode(...signature), "PNG");
  },
});
