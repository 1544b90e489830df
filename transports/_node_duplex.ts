import { Duplex } from "node:stream";
import { release } from "./_raw_socket.ts";

const READ_BYTES = 64 * 1024;

/**
 * A TCP connection of Deno's as a stream of Node's, which owns it.
 *
 * It never fails as a whole, as that would throw away what has arrived: a read
 * that fails is its end, a write that fails is told of and never done.
 */
export class TcpDuplex extends Duplex {
  /** Whether whoever takes the bytes wants more. */
  hasRoom = (): boolean => true;
  /** Told why writing has failed. */
  writeFailed: (error: unknown) => void = () => {};
  /** Settles with the write that was begun last. */
  written = Promise.resolve();
  /** Told of each read, of its end too. */
  heard: () => void = () => {};
  /** What has ended reading, where that is no end. */
  readFailure: unknown;
  readonly #conn: Deno.TcpConn;
  #scratch = new Uint8Array(READ_BYTES);
  #waiting = false;

  constructor(conn: Deno.TcpConn) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#conn = conn;
  }

  /** Reads on, where that has waited for room. */
  readOn(): void {
    if (this.#waiting) this._read();
  }

  override async _read(): Promise<void> {
    this.#waiting = !this.hasRoom();
    if (this.#waiting) return;
    try {
      const count = await this.#conn.read(this.#scratch);
      this.push(count === null ? null : this.#scratch.subarray(0, count));
      // Who has not taken the bytes at once keeps them.
      if (this.readableLength > 0) this.#scratch = new Uint8Array(READ_BYTES);
    } catch (error) {
      this.readFailure = error;
      this.push(null);
    }
    this.heard();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: () => void,
  ): void {
    this.written = this.#writeAll(chunk);
    this.written.then(done, (error) => this.writeFailed(error));
  }

  /**
   * Releases the connection: `destroy()` does not, as Node calls it by itself,
   * also while its last bytes are being written.
   */
  close(): void {
    this.destroy();
    release(this.#conn);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length;) {
      sent += await this.#conn.write(chunk.subarray(sent));
    }
  }
}
