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
  /** Told of each read, of its end too. */
  heard: () => void = () => {};
  /** What has ended reading, where that is no end. */
  readFailure: unknown;
  readonly #conn: Deno.TcpConn;
  readonly #scratch = new Uint8Array(READ_BYTES);
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
      this.push(count === null ? null : this.#scratch.slice(0, count));
    } catch (error) {
      this.readFailure = error;
      this.push(null);
    }
    this.heard();
  }

  override async _write(
    chunk: Uint8Array,
    _encoding: string,
    done: () => void,
  ): Promise<void> {
    try {
      for (let sent = 0; sent < chunk.length;) {
        sent += await this.#conn.write(chunk.subarray(sent));
      }
    } catch (error) {
      return this.writeFailed(error);
    }
    done();
  }

  override _destroy(
    error: Error | null,
    done: (error: Error | null) => void,
  ): void {
    release(this.#conn);
    done(error);
  }
}
