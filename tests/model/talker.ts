import { jsonLines, Peer } from "../../protocol/mod.ts";
import type { WaitOptions } from "../../transports/mod.ts";

/** How a session is negotiated. */
export type Negotiation = "none" | "hello" | "silent" | "failing" | "throwing";

/** What a message asks its handler to do. */
export type Deed = "queue" | "hold" | "throw" | "reject";

/** The protocol that is compared with the model. */
export class Talker extends Peer<unknown> {
  negotiation: Negotiation = "none";
  /** Whether it goes on, after its peer's end, until it is released. */
  lingers = false;
  /** The numbers of the messages that were handled, in all sessions. */
  readonly handled: number[] = [];
  /** The messages that were queued, in all sessions. */
  readonly accepted: unknown[] = [];
  /** Violations that handlers have seen. */
  readonly broken: Error[] = [];
  readonly #requests = new Map<number, PromiseWithResolvers<void>>();
  #holds: PromiseWithResolvers<void>[] = [];

  constructor(options: { closeTimeout: number; highWaterMark: number }) {
    super({
      codec: (limits) => jsonLines(limits),
      maxMessageBytes: 256,
      ...options,
    });
  }

  override send(message: unknown, options?: WaitOptions): Promise<void> {
    const before = this.stats.messagesSent;
    const sent = super.send(message, options);
    if (this.stats.messagesSent > before) this.accepted.push(message);
    return sent;
  }

  /** Sends a request, and resolves with its reply. */
  async request(id: number): Promise<void> {
    const reply = Promise.withResolvers<void>();
    this.#requests.set(id, reply);
    const { signal } = this;
    const end = () => reply.reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    try {
      await Promise.all([this.send({ id }), reply.promise]);
    } finally {
      signal.removeEventListener("abort", end);
      this.#requests.delete(id);
    }
  }

  /** Releases the reader. */
  release(): void {
    for (const hold of this.#holds.splice(0)) hold.resolve();
  }

  protected override negotiate(): Promise<void> {
    switch (this.negotiation) {
      case "none":
        return Promise.resolve();
      case "hello":
        return this.#exchangeHello();
      case "silent":
        return new Promise(() => {});
      case "failing":
        return Promise.reject(new Error("negotiation fails"));
      case "throwing":
        throw new Error("negotiation throws");
    }
  }

  protected override onMessage(
    message: { n: number; deed: Deed } | { reply: number },
  ): void | Promise<void> {
    if ("reply" in message) {
      return this.#requests.get(message.reply)?.resolve();
    }
    if (this.runstate !== "running") {
      this.broken.push(
        new Error(`A message is handled while ${this.runstate}`),
      );
    }
    this.handled.push(message.n);
    switch (message.deed) {
      case "queue":
        return super.onMessage(message);
      case "hold":
        return this.#hold();
      case "throw":
        throw new Error("handler throws");
      case "reject":
        return Promise.reject(new Error("handler rejects"));
    }
  }

  protected override onEnd(): void | Promise<void> {
    if (this.lingers) return this.#hold();
  }

  #hold(): Promise<void> {
    const hold = Promise.withResolvers<void>();
    this.#holds.push(hold);
    return hold.promise;
  }

  async #exchangeHello(): Promise<void> {
    await this.send("hello");
    const answer = await this.receive();
    if (answer !== "hello") throw new Error("no hello");
  }
}
