import { MessageQueue } from "./_peer/message_queue.ts";
import { checkFunction } from "./_util/validate.ts";
import { AsyncProtocol } from "./async_protocol.ts";
import type { AsyncProtocolOptions } from "./async_protocol_options.ts";
import type { Codec } from "./codecs/codec.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { EndOfStreamError } from "./errors.ts";
import { Runstate } from "./runstate.ts";

/** Options of a peer. */
export interface PeerOptions<In, Out = In> extends AsyncProtocolOptions {
  /**
   * Makes the codec of a session, such as `jsonLines`. It gets the limit for
   * incoming messages, if there is one.
   */
  codec: (options: { maxMessageBytes?: number }) => Codec<In, Out>;
}

/**
 * A protocol that is ready to use: messages are sent with `send()`, and the
 * peer's messages are iterated, or taken one at a time with `receive()`.
 *
 * If messages are not taken, backpressure stops the peer: after 64 messages, or
 * when the session's `maxQueuedBytes` are held. More are read, and an end behind
 * them is seen, once half of the messages are taken.
 *
 * An iteration ends with its session, after what was received: it returns when
 * the session ended in order or the peer ended the stream, and throws the first
 * cause otherwise. All iterations of a session, and `receive()`, share its
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

  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} The codec is not a function.
   */
  constructor(options: PeerOptions<In, Out>) {
    super(options);
    checkFunction("option", "codec", options.codec);
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
   * @throws The first cause, if the session ends before there is room.
   */
  override send(message: Out, options?: WaitOptions): Promise<void> {
    return super.send(message, options);
  }

  /**
   * Resolves when the transport has taken all that has been sent.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, if the session ends first.
   */
  override flush(options?: WaitOptions): Promise<void> {
    return super.flush(options);
  }

  /**
   * Ends writing after what was sent, and goes on reading: for a caller that
   * has nothing more to say and waits for the answer. Later sends reject with a
   * `StateError`. The promise may be left alone: its rejection is never
   * unhandled.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, if the session ends first.
   * @throws The signal's reason, when it is aborted; writing ends all the same.
   */
  override end(options?: WaitOptions): Promise<void> {
    return super.end(options);
  }

  /**
   * Takes the next message of the current session, or waits for it; within
   * `negotiate()`, of the negotiation. An aborted wait takes no message. The
   * promise may be left alone: its rejection is never unhandled.
   *
   * @throws {EndOfStreamError} The session has ended in order, or the peer has
   * ended the stream, and no message is left.
   * @throws The first cause, once, if the session has ended otherwise.
   * @throws The signal's reason, when it is aborted.
   */
  override receive(options: WaitOptions = {}): Promise<In> {
    const received = this.runstate === Runstate.CONNECTING
      ? super.receive(options)
      : this.#receive(options);
    received.catch(() => {});
    return received;
  }

  /**
   * The messages of the current session, or those left of the last session.
   * `return()` ends a `next()` that waits: it takes no message.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<In> {
    const messages = this.#messages;
    const iterator: AsyncIterableIterator<In> = {
      next: () => messages.next({ owner: iterator }),
      return: () => {
        messages.withdraw(iterator);
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Makes the codec, and a queue for the messages of the session. */
  protected override createCodec(): Codec<In, Out> {
    if (this.#messages.closed) this.#messages = new MessageQueue();
    const messages = this.#messages;
    messages.begin(this.budget);
    this.closed.then(
      () => messages.close(),
      (error) =>
        messages.close(error instanceof EndOfStreamError ? {} : { error }),
    );
    const { maxMessageBytes } = this;
    return this.#codec(
      maxMessageBytes === undefined ? {} : { maxMessageBytes },
    );
  }

  /** Queues the message for `receive()` and iterations. */
  protected override onMessage(
    message: In,
    bytes: number = 0,
  ): void | Promise<void> {
    return this.#messages.push(message, bytes);
  }

  /** Waits until all messages are taken and the next one is waited for. */
  protected override onShutdown(): void | Promise<void> {
    return this.#messages.rest();
  }

  async #receive({ signal }: WaitOptions): Promise<In> {
    const { done, value } = await this.#messages.next({ signal });
    if (done) throw new EndOfStreamError("Cannot receive: session has ended");
    return value;
  }
}
