import { jsonLines, Peer } from "../../../protocol/mod.ts";
import type { Transport } from "../../../transports/mod.ts";
import { jsonPeer } from "./session.ts";

/** Answers with what it gets, and fails at `"fail"`. */
export class Echo extends Peer<unknown> {
  readonly negotiating = Promise.withResolvers<void>();
  negotiation: () => Promise<void> = () => Promise.resolve();

  constructor() {
    super({ codec: () => jsonLines() });
  }

  protected override negotiate(): Promise<void> {
    this.negotiating.resolve();
    return this.negotiation();
  }

  protected override onMessage(message: unknown): Promise<void> {
    if (message === "fail") throw new Error("asked to fail");
    return this.send(message);
  }
}

/** Clients of a server that are disconnected when their test ends. */
export class Clients implements AsyncDisposable {
  readonly #peers = new AsyncDisposableStack();
  readonly #to: Transport;

  constructor(to: Transport) {
    this.#to = to;
  }

  async connect(): Promise<Peer<unknown>> {
    const peer = this.#peers.use(jsonPeer());
    await peer.connect(this.#to);
    return peer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#peers.disposeAsync();
  }
}

/** A server's answer to a message; `"the end"` if it ends instead. */
export async function ask(
  client: Peer<unknown>,
  message: unknown,
): Promise<unknown> {
  await client.send(message);
  const { done, value } = await client[Symbol.asyncIterator]().next();
  return done ? "the end" : value;
}
