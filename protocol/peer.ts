import { MessageQueue } from "./_peer/message_queue.ts";
import { show } from "./_util/show.ts";
import { AsyncProtocol } from "./async_protocol.ts";
import type { AsyncProtocolOptions } from "./async_protocol_options.ts";
import type { Codec } from "./codecs/codec.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { EndOfStreamError } from "./errors.ts";

/** How many messages wait for whoever iterates, before the reader is held. */
const INBOX_MESSAGES = 64;

/** Options of a peer. */
export interface PeerOptions<In, Out = In> extends AsyncProtocolOptions {
  /**
   * Makes the codec of a session, such as `jsonLines`. It gets the limit for
   * incoming messages, where one was given.
   */
  codec: (options: { maxMessageBytes?: number }) => Codec<In, Out>;
}

/**
 * A protocol that is ready to use: messages are sent with `send()`, and what
 * the peer sends is iterated.
 *
 * Who does not iterate stops the peer, by backpressure, after a bounded number
 * of messages; more are read, and an end behind them is seen, once half of those
 * are taken. An iteration ends with its session, after what was received: it
 * returns when the session ended in order or the peer ended the stream, and
 * throws the first cause otherwise. All iterations of a session share its
 * messages: each message goes to one of them.
 *
 * @example JSON lines over any transport
 * ```ts
 * import { jsonLines, Peer } from "@parley/parley/protocol";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = memory();
 * const server = new Peer({ codec: jsonLines });
 * const client = new Peer({ codec: jsonLines });
 * await using listener = await transport.listen();
 * await Promise.all([server.accept(listener), client.connect(transport)]);
 *
 * await client.send({ question: "How are you?" });
 * await client.disconnect();
 *
 * const received = [];
 * for await (const message of server) received.push(message);
 * assertEquals(received, [{ question: "How are you?" }]);
 * await server[Symbol.asyncDispose]();
 * ```
 */
export class Peer<In, Out = In> extends AsyncProtocol<In, Out> {
  readonly #codec: PeerOptions<In, Out>["codec"];
  #messages = new MessageQueue<In>();
  #held: PromiseWithResolvers<void> | undefined;

  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} The codec is no function.
   */
  constructor(options: PeerOptions<In, Out>) {
    super(options);
    if (typeof options.codec !== "function") {
      throw new TypeError(
        `Cannot use the option: codec is ${
          show(options.codec)
        }: it must be a function`,
      );
    }
    this.#codec = options.codec;
  }

  /**
   * Sends a message: it is encoded at once and goes out in order. The promise
   * resolves when there is room in the queue for the next one; an abort ends
   * this wait, not the message. It may be left alone: its rejection is never
   * unhandled.
   *
   * @throws {StateError} There is no session.
   * @throws {Error} The message cannot be encoded; the session goes on.
   * @throws The first cause, where the session ends before there is room.
   */
  override send(message: Out, options?: WaitOptions): Promise<void> {
    return super.send(message, options);
  }

  /**
   * Resolves when the transport has taken all that has been sent.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, where the session ends first.
   */
  override flush(options?: WaitOptions): Promise<void> {
    return super.flush(options);
  }

  /** The messages of the current session, or what is left of the last one's. */
  [Symbol.asyncIterator](): AsyncIterableIterator<In> {
    const messages = this.#messages;
    const iterator: AsyncIterableIterator<In> = {
      next: () => {
        const next = messages.next();
        // Not for one message at a time, each of which would cost a promise.
        if (messages.length <= INBOX_MESSAGES / 2) this.#held?.resolve();
        return next;
      },
      // What another iteration would get stays where it is.
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Begins the session's inbox beside its codec. */
  protected override createCodec(): Codec<In, Out> {
    if (this.#messages.closed) this.#messages = new MessageQueue();
    const messages = this.#messages;
    messages.begin(this.budget);
    this.signal.addEventListener("abort", () => this.#held?.resolve(), {
      once: true,
    });
    this.closed.then(
      () => messages.close({}),
      (error) =>
        messages.close(error instanceof EndOfStreamError ? {} : { error }),
    );
    const { maxMessageBytes } = this;
    return this.#codec(
      maxMessageBytes === undefined ? {} : { maxMessageBytes },
    );
  }

  /** Queues the message for whoever iterates. */
  protected override onMessage(
    message: In,
    bytes: number = 0,
  ): void | Promise<void> {
    this.#messages.push(message, bytes);
    if (this.#messages.length < INBOX_MESSAGES) return;
    this.#held = Promise.withResolvers();
    return this.#held.promise;
  }
}
