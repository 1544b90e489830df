import type { Value } from "./value.ts";

/** A message of a channel. */
export interface ChannelMessage {
  readonly channel: string;
  readonly payload: string;
}

/** So many characters may wait to be read before a subscription ends. */
const MAX_QUEUED = 8 * 1024 * 1024;

type Controller = ReadableStreamDefaultController<ChannelMessage>;

/** The streams of one name, such as `SUBSCRIBE news`. */
interface Subscription {
  readonly controllers: Set<Controller>;
  /** Called when the last stream is left. */
  readonly cancel: () => Promise<unknown>;
}

/** What a session has subscribed to. */
export class Subscriptions {
  readonly #subscriptions = new Map<string, Subscription>();

  /** Makes a stream; `cancel()` is called when the last one of a name is left. */
  add(
    name: string,
    cancel: () => Promise<unknown>,
  ): ReadableStream<ChannelMessage> {
    const subscription = this.#subscriptions.get(name) ??
      { controllers: new Set(), cancel };
    this.#subscriptions.set(name, subscription);
    let own: Controller;
    return new ReadableStream({
      start: (controller) => {
        subscription.controllers.add(own = controller);
      },
      cancel: () => this.#leave(name, subscription, own),
    }, {
      highWaterMark: MAX_QUEUED,
      size: ({ channel, payload }) => channel.length + payload.length + 1,
    });
  }

  /** Hands over a message; false if the push is something else. */
  push([kind, ...items]: Value[]): boolean {
    if (kind !== "message" && kind !== "pmessage") return false;
    const [payload, channel, pattern = channel] = items.reverse().map(String);
    const name = kind === "message"
      ? `SUBSCRIBE ${channel}`
      : `PSUBSCRIBE ${pattern}`;
    const subscription = this.#subscriptions.get(name);
    if (!subscription || !channel || payload === undefined) return true;
    for (const controller of subscription.controllers) {
      if ((controller.desiredSize ?? 0) > 0) {
        controller.enqueue({ channel, payload });
      } else {
        const waiting = `over ${MAX_QUEUED} characters wait to be read`;
        controller.error(
          new Error(`Subscription is lost: ${name}: ${waiting}`),
        );
        this.#leave(name, subscription, controller);
      }
    }
    return true;
  }

  /** Ends every stream: the session has ended. */
  end(cause: unknown): void {
    for (const { controllers } of this.#subscriptions.values()) {
      for (const controller of controllers) controller.error(cause);
    }
    this.#subscriptions.clear();
  }

  async #leave(
    name: string,
    { controllers, cancel }: Subscription,
    controller: Controller,
  ): Promise<void> {
    controllers.delete(controller);
    if (controllers.size > 0 || !this.#subscriptions.delete(name)) return;
    await cancel();
  }
}
