import { Duplex } from "node:stream";
import { release } from "./_raw_socket.ts";

const READ_BYTES = 64 * 1024;

/** A TCP connection of Deno's as a stream of Node's, which owns it. */
export class TcpDuplex extends Duplex {
  /** Whether whoever takes the bytes wants more. */
  hasRoom = (): boolean => true;
  readonly #conn: Deno.TcpConn;
  #waiting = false;

  constructor(conn: Deno.TcpConn) {
    super({ allowHalfOpen: true, autoDestroy: false });
    this.#conn = conn;
    this.on("error", () => {}); // the TLS socket above tells of it
  }

  /** Reads on, where that has waited for room. */
  readOn(): void {
    if (this.#waiting) this._read();
  }

  override async _read(): Promise<void> {
    this.#waiting = !this.hasRoom();
    if (this.#waiting) return;
    try {
      const buffer = new Uint8Array(READ_BYTES);
      const count = await this.#conn.read(buffer);
      this.push(count === null ? null : buffer.subarray(0, count));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  override async _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error) => void,
  ): Promise<void> {
    try {
      for (let sent = 0; sent < chunk.length;) {
        sent += await this.#conn.write(chunk.subarray(sent));
      }
      done();
    } catch (error) {
      done(error as Error);
      this.destroy(error as Error);
    }
  }

  override _destroy(
    error: Error | null,
    done: (error: Error | null) => void,
  ): void {
    release(this.#conn);
    done(error);
  }
}
