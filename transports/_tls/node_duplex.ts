import { Duplex } from "node:stream";
import { release } from "../_socket/raw_socket.ts";

/** Read at once, but for who waits with more room. */
const READ_BYTES = 64 * 1024;
/** Messages of 1 MiB take 1.6 times as long when read by 64 KiB. */
const MAX_READ = 1024 * 1024;

/** Memory for a large read that the last one has left: one for all. */
let large: ArrayBuffer | undefined;

/**
 * A TCP connection of Deno's as a stream of Node's, which owns it.
 *
 * It never fails as a whole, as that would throw away what has arrived: a read
 * that fails is its end, a write that fails is told of and never done.
 */
export class TcpDuplex extends Duplex {
  /** How many more bytes whoever takes them has room for. */
  room = (): number => READ_BYTES;
  /** Told why writing has failed. */
  writeFailed: (error: unknown) => void = () => {};
  /** Settles with the write that was begun last. */
  written = Promise.resolve();
  /** Told of each read, of its end too. */
  heard: () => void = () => {};
  /** What has ended reading, where that is no end. */
  readFailure: unknown;
  readonly #conn: Deno.TcpConn;
  #scratch: ArrayBuffer | undefined;
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
    const room = Math.min(this.room(), MAX_READ);
    this.#waiting = room <= 0;
    if (this.#waiting) return;
    const memory = this.#memory(room);
    try {
      const count = await this.#conn.read(new Uint8Array(memory, 0, room));
      this.push(count === null ? null : new Uint8Array(memory, 0, count));
      // Who has not taken the bytes at once keeps them.
      if (this.readableLength > 0) this.#scratch = undefined;
      else if (memory !== this.#scratch) large = memory;
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

  #memory(bytes: number): ArrayBuffer {
    if (bytes <= READ_BYTES) {
      return this.#scratch ??= new ArrayBuffer(READ_BYTES);
    }
    const memory = large ?? new ArrayBuffer(MAX_READ);
    large = undefined;
    return memory;
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length;) {
      sent += await this.#conn.write(chunk.subarray(sent));
    }
  }
}
