import type { Channel, ChannelAction } from "../_channel/channel.ts";
import type { StreamPair } from "../transport.ts";
import { ChunkReader } from "./chunk_reader.ts";

/** Releases the source of the streams. */
export interface StreamSource {
  close?: (() => void | Promise<void>) | undefined;
  abort?: ((reason: unknown) => void | Promise<void>) | undefined;
}

/** A pair of streams as a channel. */
export class StreamChannel implements Channel {
  readonly #source: StreamSource;
  readonly #reader: ChunkReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #rejectWriting: (reason: unknown) => void = () => {};

  /** @throws {TypeError} A stream is missing or locked. */
  constructor(pair: StreamPair, source: StreamSource = {}) {
    const { readable, writable }: StreamPair = Object(pair);
    this.#source = source;
    checkUnlocked("readable", readable, ReadableStream);
    checkUnlocked("writable", writable, WritableStream);
    this.#reader = new ChunkReader(readable);
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#reader.read(into);
  }

  async write(bytes: Uint8Array): Promise<number> {
    // The stream may pass a chunk on, as a TransformStream does.
    const chunk = bytes.slice();
    // Not every sink takes an empty chunk for nothing.
    if (chunk.length > 0) {
      await this.#untilAbort(() => this.#writer.write(chunk));
    }
    return chunk.length;
  }

  closeWrite(): Promise<void> {
    return this.#untilAbort(() => this.#writer.close());
  }

  closeRead(): void {
    this.#reader.cancel().catch(() => {});
  }

  async close(): Promise<void> {
    // A source that fails only now fails nobody: its bytes are not wanted.
    await this.#reader.cancel().catch(() => {});
    await this.#source.close?.();
  }

  async abort(reason: unknown): Promise<void> {
    this.failWriting(reason);
    this.#writer.abort(reason).catch(() => {});
    this.#reader.cancel(reason).catch(() => {});
    await this.#source.abort?.(reason);
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    return cause ??
      new TypeError(`${action} streams: the connection is closed`);
  }

  /** Ends a write or a close in flight: an abort of the stream waits for it. */
  protected failWriting(reason: unknown): void {
    this.#rejectWriting(reason);
  }

  #untilAbort(run: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#rejectWriting = reject;
    run().then(resolve, reject);
    return promise;
  }
}

function checkUnlocked(
  name: string,
  stream: ReadableStream | WritableStream,
  Type: typeof ReadableStream | typeof WritableStream,
): void {
  if (!(stream instanceof Type)) {
    throw new TypeError(
      `Cannot connect: ${name} is ${stream}, expected a ${Type.name}`,
    );
  }
  if (stream.locked) {
    throw new TypeError(
      `Cannot connect: ${name} is locked, expected a stream that nobody uses`,
    );
  }
}
