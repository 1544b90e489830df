import { Duplex } from "node:stream";
import type { Connection } from "../transport.ts";
import { GrowingBytes } from "./growing_bytes.ts";

/**
 * A connection in the shape that `node:tls` accepts.
 *
 * `node:tls` calls the methods that are overridden here and listens to `data`,
 * so nothing is queued. `pull()` reads, and the bytes are decrypted before it
 * resolves. A write is a write of the connection. `node:tls` may destroy this
 * object at any time, even while its last bytes are written; only the owner
 * closes the connection.
 */
export class ConnectionDuplex extends Duplex {
  /** Settles with the write that was begun last. */
  written: Promise<void> = Promise.resolve();
  /** Told why writing has failed. */
  writeFailed: (error: unknown) => void = () => {};
  /** The first bytes of the peer, which tell its protocol. */
  first = new Uint8Array(0);
  readonly #connection: Connection;
  /** Bytes that were read and not decrypted yet. */
  #ahead: GrowingBytes | undefined;
  #isMute = false;

  constructor(connection: Connection) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#connection = connection;
  }

  /**
   * Reads into a buffer, and has the bytes decrypted.
   *
   * @returns The number of bytes, or `null` at the end of the connection.
   */
  async pull(buffer: Uint8Array): Promise<number | null> {
    const ahead = this.#ahead?.bytes;
    if (ahead) {
      this.#ahead = undefined;
      this.emit("data", ahead);
      return ahead.length;
    }
    const count = await this.#read(buffer);
    // The bytes are copied at once: the buffer is free again.
    if (count !== null) this.emit("data", buffer.subarray(0, count));
    return count;
  }

  /**
   * Reads bytes for the next `pull()`.
   *
   * @returns These bytes, in the buffer, or `null` at the end of the connection.
   */
  async readAhead(buffer: Uint8Array): Promise<Uint8Array | null> {
    const count = await this.#read(buffer);
    if (count === null) return null;
    const bytes = buffer.subarray(0, count);
    (this.#ahead ??= new GrowingBytes()).push(bytes);
    return bytes;
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

  async #read(buffer: Uint8Array): Promise<number | null> {
    const count = await this.#connection.read(buffer);
    if (this.first.length === 0) this.first = buffer.slice(0, count ?? 0);
    return count;
  }

  #send(bytes: Uint8Array): Promise<void> {
    return this.written = this.written.then(() =>
      this.#connection.write(bytes)
    );
  }
}
