import { NatsError, type NatsMessage } from "./messages.ts";

/** How many bytes of messages may wait to be taken. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** What a message takes beside its payload, about. */
const MESSAGE_BYTES = 256;

/**
 * The messages of one subscription, in order. A consumer that falls too far
 * behind gets an error instead of holding back the others, as in any client of
 * NATS: the server would drop a client that does not read.
 */
export class Subscription {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly messages: ReadableStream<NatsMessage>;
  readonly #onCancel: () => void;
  #controller: ReadableStreamDefaultController<NatsMessage> | undefined;

  /** @param onCancel Called when no more messages are wanted. */
  constructor(
    subject: string,
    queue: string | undefined,
    onCancel: () => void,
  ) {
    this.subject = subject;
    this.queue = queue;
    this.#onCancel = onCancel;
    this.messages = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: onCancel,
    }, {
      highWaterMark: MAX_WAITING_BYTES,
      size: ({ payload }) => payload.length + MESSAGE_BYTES,
    });
  }

  push(message: NatsMessage): void {
    this.#controller?.enqueue(message);
    if ((this.#controller?.desiredSize ?? 0) > 0) return;
    this.fail(
      new NatsError(
        `Subscription ${this.subject}: its consumer is too slow: more than ${MAX_WAITING_BYTES} bytes wait`,
      ),
    );
  }

  fail(error: unknown): void {
    this.#onCancel();
    this.#controller?.error(error);
  }
}
