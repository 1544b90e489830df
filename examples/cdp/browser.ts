import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  json,
  webSocketText,
} from "@parley/parley";
import type { Attached, Message } from "./methods.ts";
import { Page } from "./page.ts";
import { type CallOptions, CDPError, CDPSession } from "./session.ts";

/**
 * A browser that speaks the Chrome DevTools Protocol. All its pages share one
 * connection: a message says which of them it is about.
 */
export class Browser extends AsyncProtocol<Message> {
  #session = new CDPSession((message) => this.send(message));
  /** By the id of their session. */
  readonly #pages = new Map<string, Page>();

  constructor(options: AsyncProtocolOptions = {}) {
    const {
      maxMessageBytes = 64 * 1024 * 1024, // a screenshot is one message
      keepAliveInterval = 30_000,
    } = options;
    super({ ...options, maxMessageBytes, keepAliveInterval });
  }

  /** The session of the browser itself. */
  get session(): CDPSession {
    return this.#session;
  }

  /** Opens an empty page; one that comes when nobody waits for it is closed. */
  async newPage(options?: CallOptions): Promise<Page> {
    this.assertRunning();
    const { session } = this;
    const { targetId } = await session
      .call("Target.createTarget", { url: "about:blank" }, options);
    try {
      const { sessionId } = await session
        .call("Target.attachToTarget", { targetId, flatten: true }, options);
      const page = this.#pages.get(sessionId);
      if (!page) throw new CDPError("Page is closed");
      await page.call("Page.enable", {}, options);
      const lifecycle = { enabled: true };
      await page.call("Page.setLifecycleEventsEnabled", lifecycle, options);
      return page;
    } catch (error) {
      this.#close(targetId).catch(() => {}); // the first error tells more
      throw error;
    }
  }

  protected override createCodec(): Codec<Message> {
    const { maxMessageBytes } = this;
    return json<Message>(webSocketText({ maxMessageBytes }));
  }

  protected override onMessage(message: Message, bytes: number): void {
    const { sessionId, method, params, result } = message;
    const session = sessionId === undefined
      ? this.#session
      : this.#pages.get(sessionId);
    const isTaken = session?.receive(message, bytes);
    if (method === "Target.attachedToTarget") {
      this.#addPage(params as Attached);
    } else if (method === "Target.detachedFromTarget") {
      this.#endPage(`${params?.["sessionId"]}`, "Page is closed");
    } else if (method === "Inspector.targetCrashed") {
      this.#endPage(`${sessionId}`, "Page has crashed");
    } else if (!isTaken && typeof result?.["targetId"] === "string") {
      this.#close(result["targetId"]).catch(() => {});
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    const ended = [this.#session, ...this.#pages.values()];
    this.#session = new CDPSession((message) => this.send(message));
    this.#pages.clear();
    for (const session of ended) session.end(cause);
  }

  protected override async keepAlive(): Promise<void> {
    await this.#session.call("Browser.getVersion", {});
  }

  #close(targetId: string): Promise<object> {
    return this.#session.call("Target.closeTarget", { targetId });
  }

  #addPage({ sessionId, targetInfo }: Attached): void {
    const page = new Page(
      (message) => this.send({ ...message, sessionId }),
      () => this.#close(targetInfo.targetId),
    );
    this.#pages.set(sessionId, page);
  }

  #endPage(sessionId: string, reason: string): void {
    this.#pages.get(sessionId)?.end(new CDPError(reason));
    this.#pages.delete(sessionId);
  }
}
