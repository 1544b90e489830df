import type { TLSSocket } from "node:tls";
import type { TcpDuplex } from "./_node_duplex.ts";
import type { RawSocket } from "./_raw_socket.ts";

/** Bounds what is encrypted, and held in memory, at once. */
const WRITE_BYTES = 256 * 1024;

/** Bounds what is decrypted and held for a reader who does not come. */
const READ_AHEAD_BYTES = 64 * 1024;

/** A TLS socket of Node's, through the operations of one of Deno's. */
export class NodeTlsSocket implements RawSocket {
  readonly #socket: TLSSocket;
  readonly #duplex: TcpDuplex;
  #rest: Uint8Array | undefined;
  #ended = false;
  #cut = false;
  #failure: Error | undefined;
  #wakeReader = () => {};
  #failWriter: (error: unknown) => void = () => {};

  constructor(socket: TLSSocket, duplex: TcpDuplex) {
    this.#socket = socket;
    this.#duplex = duplex;
    duplex.hasRoom = () => socket.readableLength < READ_AHEAD_BYTES;
    const push = socket.push.bind(socket);
    socket.push = (chunk, encoding) => {
      // The end of TCP comes after the end of TLS, or else this is a cut.
      if (chunk === null && duplex.readableEnded) this.#cut = true;
      return push(chunk, encoding);
    };
    socket.on("readable", () => this.#wakeReader());
    socket.on("end", () => {
      this.#ended = true;
      this.#wakeReader();
    });
    const fail = (error?: unknown) => {
      this.#failure ??= nodeTlsError(error, duplex);
      this.#wakeReader();
      this.#failWriter(this.#failure);
    };
    socket.on("error", fail);
    socket.on("close", () => fail());
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk: Uint8Array | null = this.#rest ?? this.#socket.read();
      this.#duplex.readOn();
      if (chunk) {
        const count = Math.min(chunk.length, into.length);
        into.set(chunk.subarray(0, count));
        this.#rest = count < chunk.length ? chunk.subarray(count) : undefined;
        return count;
      }
      if (this.#ended && this.#cut) {
        throw new Deno.errors.UnexpectedEof(
          "the peer closed the connection without a TLS close_notify",
        );
      }
      if (this.#ended) return null;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, WRITE_BYTES);
    // Node's socket refuses a write of nothing.
    if (part.length > 0) {
      await this.#untilFailure((done) => this.#socket.write(part, done));
    }
    return part.length;
  }

  closeWrite(): Promise<void> {
    return this.#untilFailure((done) => this.#socket.end(done));
  }

  close(): void {
    this.#socket.destroy();
    this.#duplex.destroy();
  }

  #untilFailure(
    run: (done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      this.#failWriter = reject;
      run((error) =>
        error ? reject(nodeTlsError(error, this.#duplex)) : resolve()
      );
    });
  }
}

/** What Deno's own TLS would have failed with. */
export function nodeTlsError(error: unknown, duplex: TcpDuplex): Error {
  const cause = duplex.errored ?? error;
  if (!(cause instanceof Error)) {
    return new Deno.errors.Interrupted("the connection is closed");
  }
  if (Object.hasOwn(Deno.errors, cause.name)) return cause;
  return Reflect.get(cause, "code") === "ECONNRESET"
    ? new Deno.errors.ConnectionReset(cause.message, { cause })
    : new Deno.errors.InvalidData(cause.message, { cause });
}
