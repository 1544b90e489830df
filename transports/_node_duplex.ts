import { Duplex } from "node:stream";
import { release } from "./_raw_socket.ts";

/** As much as a record of TLS holds (RFC 8446 §5.1). */
const LEAST_READ = 16 * 1024;
/** Messages of 1 MiB take 1.6 times as long when read by 64 KiB. */
const MOST_READ = 1024 * 1024;

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
  /** How much is read at once at most. */
  #readBytes = LEAST_READ;
  #scratch = new Uint8Array(LEAST_READ);
  #waiting = false;

  constructor(conn: Deno.TcpConn) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#conn = conn;
  }

  /** Reads on, where that has waited for room. */
  readOn(): void {
    if (this.#waiting) this._read();
  }

  /** Lets reads follow what there lately was room for. */
  readFor(room: number): void {
    const bytes = Math.max(room, this.#readBytes >> 1);
    this.#readBytes = Math.min(Math.max(bytes, LEAST_READ), MOST_READ);
  }

  override async _read(): Promise<void> {
    this.#waiting = !this.hasRoom();
    if (this.#waiting) return;
    try {
      const count = await this.#conn.read(this.#space());
      this.push(count === null ? null : this.#scratch.subarray(0, count));
      // Who has not taken the bytes at once keeps them.
      if (this.readableLength > 0) this.#scratch = new Uint8Array(LEAST_READ);
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

  #space(): Uint8Array {
    const { length } = this.#scratch;
    if (length < this.#readBytes || length > 8 * this.#readBytes) {
      const bytes = 2 ** Math.ceil(Math.log2(this.#readBytes));
      this.#scratch = new Uint8Array(bytes);
    }
    return this.#scratch.subarray(0, this.#readBytes);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length;) {
      sent += await this.#conn.write(chunk.subarray(sent));
    }
  }
}
