import type { Connection } from "../../transports/transport.ts";
import { abortable } from "../_util/abortable.ts";
import type { Codec } from "../codecs/codec.ts";
import { ReadBuffer } from "../codecs/read_buffer.ts";
import { decodeEnd } from "../codecs/_util/decode_end.ts";
import { EndOfStreamError } from "../errors.ts";
import type { SessionBudget } from "./session_budget.ts";

/** The reading half of a session: bytes are read when no message is left in them. */
export class MessageReader<In> {
  #codec: Codec<In, never>;
  readonly #connection: Connection;
  readonly #budget: SessionBudget;
  readonly #input = new ReadBuffer();
  #more: Promise<boolean> | undefined;
  #atEnd = false;
  #messages = 0;
  #bytes = 0;
  #lastActivity = 0;

  /** How many bytes the last message had. */
  messageBytes = 0;

  constructor(
    codec: Codec<In, never>,
    connection: Connection,
    budget: SessionBudget,
  ) {
    this.#codec = codec;
    this.#connection = connection;
    this.#budget = budget;
  }

  get messages(): number {
    return this.#messages;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** When bytes were last read, as milliseconds since the epoch. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** The next message, where its bytes are here already. */
  decode(): In | undefined {
    const start = this.#input.offset;
    const message = this.#atEnd
      ? decodeEnd(this.#codec, this.#input)
      : this.#codec.decode(this.#input);
    if (message !== undefined) this.#messages++;
    this.messageBytes = this.#input.offset - start;
    return message;
  }

  /** Reads once, when the budget has room; the outcome is for `fill`. */
  read(): Promise<number | null> {
    if (this.#atEnd) return Promise.resolve(null);
    this.count();
    if (!this.#budget.exceeded) return this.#read();
    return this.#budget.room().then(() => this.#read());
  }

  #read(): Promise<number | null> {
    return this.#connection.read(this.#input.space());
  }

  /** The number of bytes that are read and not decoded. */
  get unread(): number {
    return this.#input.length;
  }

  /** Tells the budget how much is read and not decoded. */
  count(): void {
    this.#budget.setUnread(this.unread);
  }

  /** Takes what was read; false when the stream and its messages are at their end. */
  fill(read: number | null): boolean {
    if (this.#atEnd) return false;
    const count = read === null ? 0 : this.#input.fill(read);
    if (count === 0) this.#atEnd = true;
    else this.#lastActivity = Date.now();
    this.#bytes += count;
    return true;
  }

  useCodec(codec: Codec<In, never>): void {
    this.#codec = codec;
  }

  /** Waits for the next message; an aborted wait takes none. */
  async receive(signal?: AbortSignal): Promise<In> {
    signal?.throwIfAborted();
    do {
      const message = this.decode();
      if (message !== undefined) return message;
    } while (await abortable(this.more(), signal));
    throw new EndOfStreamError("Peer ended the stream");
  }

  /** Reads and fills once; a wait that was aborted is gone on with. */
  more(): Promise<boolean> {
    this.#more ??= this.read().then((read) => this.fill(read)).finally(() => {
      this.#more = undefined;
    });
    return this.#more;
  }

  /** The read of an aborted wait, which comes before others. */
  get pending(): Promise<boolean> | undefined {
    return this.#more;
  }

  /**
   * Reads to the end, and drops what comes: a peer that could not write would
   * not read either.
   */
  async discard(): Promise<void> {
    while (!this.#atEnd) {
      this.#input.consume(this.#input.length);
      this.fill(await this.read());
    }
  }
}
