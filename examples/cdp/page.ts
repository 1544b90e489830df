import {
  type CallOptions,
  CDPError,
  CDPSession,
  type Send,
} from "./session.ts";

/** A page of a browser. To dispose of it closes it. */
export class Page extends CDPSession implements AsyncDisposable {
  readonly #close: () => Promise<unknown>;

  /** `Browser.newPage()` makes pages. */
  constructor(send: Send, close: () => Promise<unknown>) {
    super(send);
    this.#close = close;
  }

  /**
   * Opens a document, and waits until it is loaded with all that is in it.
   *
   * @throws {CDPError} The document cannot be opened.
   */
  async goto(
    url: string,
    { signal, timeout = 30_000 }: CallOptions = {},
  ): Promise<void> {
    using loads = this.events.listen("Page.lifecycleEvent", {
      filter: ({ params }) => params?.["name"] === "load",
    });
    const { loaderId, errorText } = await this
      .call("Page.navigate", { url }, { signal, timeout });
    if (errorText) throw new CDPError(`Cannot open ${url}: ${errorText}`);
    if (!loaderId) return; // another place of the same document
    await loads.next(undefined, {
      filter: ({ params }) => params?.["loaderId"] === loaderId,
      signal,
      timeout,
    });
  }

  /** The value of an expression, or of its promise; a JSON value. */
  async evaluate<T = unknown>(
    expression: string,
    options?: CallOptions,
  ): Promise<T> {
    const { result, exceptionDetails: thrown } = await this.call(
      "Runtime.evaluate",
      { expression, returnByValue: true, awaitPromise: true },
      options,
    );
    if (!thrown) return result.value as T;
    throw new CDPError(thrown.exception?.description ?? thrown.text);
  }

  /** The title of the document. */
  title(options?: CallOptions): Promise<string> {
    return this.evaluate("document.title", options);
  }

  /** Clicks the middle of the first element that a CSS selector matches. */
  async click(selector: string, options?: CallOptions): Promise<void> {
    const quoted = JSON.stringify(selector);
    const middle = await this.evaluate<{ x: number; y: number } | null>(
      `(() => {
        const element = document.querySelector(${quoted});
        if (!element) return null;
        element.scrollIntoView({ block: "center", behavior: "instant" });
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      })()`,
      options,
    );
    if (!middle) throw new CDPError(`Cannot click: ${quoted} matches nothing`);
    const button = { ...middle, button: "left", clickCount: 1 } as const;
    for (const type of ["mousePressed", "mouseReleased"] as const) {
      const params = { type, ...button };
      await this.call("Input.dispatchMouseEvent", params, options);
    }
  }

  /** What is visible of the page, as a PNG file. */
  async screenshot(options?: CallOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { data } = await this.call("Page.captureScreenshot", {}, options);
    return Uint8Array.fromBase64(data);
  }

  /** Closes the page, or what is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close().catch((error) => {
      if (!this.signal.aborted) throw error;
    });
  }
}
