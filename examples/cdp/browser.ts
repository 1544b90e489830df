import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  json,
  PendingCalls,
  webSocketText,
} from "@parley/parley";
import type { Message, Result } from "./methods.ts";
import { Page } from "./page.ts";
import { type CallOptions, CDPError, CDPSession } from "./session.ts";

/**
 * A browser that speaks the Chrome DevTools Protocol. All its pages share one
 * connection: a message says which of them it is about.
 */
export class Browser extends AsyncProtocol<Message> {
  #lastId = 0;
  #root = this.#session();
  readonly #sessions = new Map<string, CDPSession>();

  constructor(options: AsyncProtocolOptions = {}) {
    const {
      maxMessageBytes = 64 * 1024 * 1024, // a screenshot is one message
      keepAliveInterval = 30_000,
    } = options;
    super({ ...options, maxMessageBytes, keepAliveInterval });
  }

  /** The session of the browser itself. */
  get session(): CDPSession {
    return this.#root;
  }

  /** Opens an empty page; one that comes when nobody waits for it is closed. */
  async newPage(options: CallOptions = {}): Promise<Page> {
    this.assertRunning();
    const root = this.#root;
    const { signal, timeout = 10_000 } = options;
    const method = "Target.createTarget";
    const waits = new PendingCalls<Result<typeof method>>();
    const { id, promise } = waits.open({ method, signal, timeout });
    const empty = { url: "about:blank" };
    const created = root.call(method, empty, { timeout: Infinity });
    created.then(
      (target) => waits.resolve(id, target),
      (error) => waits.reject(id, error),
    );
    const close = async () => {
      const { targetId } = await created;
      await root.call("Target.closeTarget", { targetId });
    };
    try {
      const { targetId } = await promise;
      const { sessionId } = await root
        .call("Target.attachToTarget", { targetId, flatten: true }, options);
      const session = this.#session(sessionId);
      this.#sessions.set(sessionId, session);
      await session.call("Page.enable", {}, options);
      const lifecycle = { enabled: true };
      await session.call("Page.setLifecycleEventsEnabled", lifecycle, options);
      return new Page(session, close);
    } catch (error) {
      close().catch(() => {}); // the first error tells more
      throw error;
    }
  }

  protected override createCodec(): Codec<Message> {
    const { maxMessageBytes } = this;
    return json<Message>(webSocketText({ maxMessageBytes }));
  }

  protected override onMessage(message: Message, bytes: number): void {
    const { id, method, params, sessionId } = message;
    if (sessionId !== undefined) {
      this.#sessions.get(sessionId)?.receive(message, bytes);
    } else if (method === "Target.detachedFromTarget") {
      const { sessionId } = params as { sessionId: string };
      this.#sessions.get(sessionId)?.end(new CDPError("Page is closed"));
      this.#sessions.delete(sessionId);
    } else if (!this.#root.receive(message, bytes) && id !== undefined) {
      // A call to a session that is being closed is refused by the browser.
      for (const session of this.#sessions.values()) {
        session.receive(message, bytes);
      }
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    const ended = [this.#root, ...this.#sessions.values()];
    this.#root = this.#session();
    this.#sessions.clear();
    for (const session of ended) session.end(cause);
  }

  protected override async keepAlive(): Promise<void> {
    await this.#root.call("Browser.getVersion", {});
  }

  #session(sessionId?: string): CDPSession {
    return new CDPSession({
      send: (message) => this.send({ ...message, sessionId }),
      nextId: () => ++this.#lastId,
    });
  }
}
