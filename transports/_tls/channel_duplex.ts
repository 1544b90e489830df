import { Duplex } from "node:stream";
import type { RawSocket } from "../_socket/raw_socket.ts";

/**
 * A byte channel in the shape that `node:tls` accepts.
 *
 * `node:tls` calls the methods that are overridden here and listens to `data`,
 * so nothing is queued. `pull()` reads, and the bytes are decrypted before it
 * resolves. A write is a write of the channel. `node:tls` may destroy this
 * object at any time, even while its last bytes are written; only the owner
 * closes the channel.
 */
export class ChannelDuplex extends Duplex {
  /** Settles with the write that was begun last. */
  written: Promise<void> = Promise.resolve();
  /** Told why writing has failed. */
  writeFailed: (error: unknown) => void = () => {};
  readonly #channel: RawSocket;
  #isMute = false;

  constructor(channel: RawSocket) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#channel = channel;
  }

  /**
   * Reads into a buffer, and has the bytes decrypted.
   *
   * @returns The number of bytes, or `null` at the end of the channel.
   */
  async pull(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#channel.read(buffer);
    // The bytes are copied at once: the buffer is free again.
    if (count !== null) this.emit("data", buffer.subarray(0, count));
    return count;
  }

  /** Writes bytes past `node:tls`, which writes nothing from now on. */
  writeLast(bytes: Uint8Array): Promise<void> {
    this.#isMute = true;
    return this.#send(bytes);
  }

  override write(chunk: Uint8Array, done: unknown): boolean {
    if (this.#isMute) return true;
    this.#send(chunk).then(
      () => typeof done === "function" && done(),
      (error) => this.writeFailed(error),
    );
    return true;
  }

  override end(done: unknown): this {
    if (typeof done === "function") done();
    return this;
  }

  override pause(): this {
    return this;
  }

  override resume(): this {
    return this;
  }

  #send(bytes: Uint8Array): Promise<void> {
    return this.written = this.written.then(async () => {
      for (let sent = 0; sent < bytes.length;) {
        sent += await this.#channel.write(bytes.subarray(sent));
      }
    });
  }
}
