import type { Connection } from "../../transports/transport.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { MessageDecoder } from "../codecs/_util/message_decoder.ts";
import type { Codec } from "../codecs/codec.ts";
import { ReadBuffer } from "../codecs/read_buffer.ts";
import { EndOfStreamError, MessageTooLargeError } from "../errors.ts";
import type { SessionBudget } from "./session_budget.ts";

/** How many bytes a codec may need around a message, such as its headers. */
const FRAME_BYTES = 8 * 1024;

/** What a reader needs. */
export interface MessageReaderOptions<In> {
  codec: Codec<In, never>;
  connection: Connection;
  /** Counts bytes that are not decoded; holds the reader while exceeded. */
  budget: SessionBudget;
  /** The limit of a message, for codecs that do not enforce it. */
  maxMessageBytes: number;
}

/** The reading half of a session: bytes are read when no message is left in them. */
export class MessageReader<In> {
  #codec: Codec<In, never>;
  #connection: Connection;
  readonly #budget: SessionBudget;
  readonly #maxMessageBytes: number;
  readonly #input = new ReadBuffer();
  readonly #decoder = new MessageDecoder<In>(this.#input);
  /** A read that waits share: one that is aborted takes nothing with it. */
  #more: Promise<boolean> | undefined;
  #atEnd = false;
  #stopped = false;
  #resting = false;
  #onRest: PromiseWithResolvers<void> | undefined;
  #messages = 0;
  #bytes = 0;
  #lastActivity = 0;

  constructor(options: MessageReaderOptions<In>) {
    this.#codec = options.codec;
    this.#connection = options.connection;
    this.#budget = options.budget;
    this.#maxMessageBytes = options.maxMessageBytes;
  }

  /** The number of messages that were decoded. */
  get messages(): number {
    return this.#messages;
  }

  /** The number of bytes that were read. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of bytes that are read, and not of a message that was given. */
  get unread(): number {
    return this.#decoder.consumed + this.#input.length;
  }

  /** The size of the last message, in bytes. */
  get messageBytes(): number {
    return this.#decoder.messageBytes;
  }

  /** When bytes were last read, as milliseconds since the epoch. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** Whether it gives no message any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether it waits for bytes, and has none of a message. */
  get resting(): boolean {
    return this.#resting;
  }

  /** The read that an aborted `receive()` has left behind. */
  get pending(): Promise<boolean> | undefined {
    return this.#more;
  }

  /**
   * The next message, if its bytes are here.
   *
   * @throws {MessageTooLargeError} It is larger than the codec should allow, and
   * not complete.
   * @throws {Error} The codec has consumed nothing for it.
   */
  decode(): In | undefined {
    if (this.#stopped) return undefined;
    const message = this.#atEnd
      ? this.#decoder.end(this.#codec)
      : this.#decoder.decode(this.#codec);
    if (message !== undefined) {
      this.#messages++;
    } else if (this.unread - FRAME_BYTES > this.#maxMessageBytes) {
      const { offset } = this.#input;
      const start = offset - this.#decoder.consumed;
      throw new MessageTooLargeError(this.#maxMessageBytes, start);
    }
    return message;
  }

  /** Reads once, when the budget has room; the outcome is for `fill()`. */
  read(): Promise<number | null> {
    if (this.#atEnd) return Promise.resolve(null);
    this.count();
    this.#resting = this.unread === 0;
    if (this.#resting) this.#onRest?.resolve();
    if (!this.#budget.exceeded) return this.#readInto();
    return this.#budget.room().then(() => this.#readInto());
  }

  /** Takes what was read: false at the end of the stream and of its messages. */
  fill(read: number | null): boolean {
    this.#resting = false;
    if (this.#atEnd) return false;
    const count = read === null ? 0 : this.#input.fill(read);
    if (count === 0) this.#atEnd = true;
    else this.#lastActivity = Date.now();
    this.#bytes += count;
    if (this.#stopped) this.#decoder.drop();
    return true;
  }

  /** Tells the budget how much is read and not decoded. */
  count(): void {
    this.#budget.setUnread(this.unread);
  }

  /** Waits for the next message; an aborted wait takes none. */
  async receive(signal: AbortSignal | undefined): Promise<In> {
    signal?.throwIfAborted();
    do {
      const message = this.decode();
      if (message !== undefined) return message;
      this.#more ??= this.#readMore();
    } while (await abortable(this.#more, signal));
    throw new EndOfStreamError("Peer ended the stream");
  }

  useCodec(codec: Codec<In, never>): void {
    const { consumed } = this.#decoder;
    if (consumed > 0) {
      throw new Error(
        `Cannot use the codec: ${consumed} bytes of a message are decoded by the other one`,
      );
    }
    this.#codec = codec;
  }

  useConnection(connection: Connection): void {
    this.#connection = connection;
  }

  /**
   * Gives no message any more, and drops the bytes that come: a peer that could
   * not write would not read either.
   */
  stop(): void {
    this.#stopped = true;
    this.#decoder.drop();
    this.#onRest?.resolve();
  }

  /** Resolves when it rests, or is stopped. */
  async rest(): Promise<void> {
    if (this.#resting || this.#stopped) return;
    this.#onRest = handled();
    await this.#onRest.promise;
  }

  #readInto(): Promise<number | null> {
    return this.#connection.read(this.#input.space());
  }

  async #readMore(): Promise<boolean> {
    try {
      return this.fill(await this.read());
    } finally {
      this.#more = undefined;
    }
  }
}
