import type { TLSSocket } from "node:tls";
import type { ConnectionDuplex } from "./connection_duplex.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** Bounds what is encrypted, and held in memory, at once. */
const WRITE_BYTES = 256 * 1024;

/** Smaller buffers are not read into: most records are longer. */
const MIN_READ = 4 * 1024;

/**
 * In Bun a write is done before its records have gone out, and the end of one
 * direction ends the other, without a word.
 */
const IN_BUN = "Bun" in globalThis;

/**
 * A TLS socket of Node's with the operations of a channel.
 *
 * The connection under it is read only while a reader waits, and only for as
 * many bytes as the reader's buffer has. So at most one record of 16 KiB and one
 * read of 4 KiB are decrypted early. The reader's own buffer takes the encrypted
 * bytes.
 */
export class NodeSocket {
  /**
   * In TLS 1.3 a server sends tickets after the handshake (RFC 8446 §4.6.1). A
   * client that has heard nothing since may not have got them yet.
   */
  readonly settled: Promise<void> | undefined;
  readonly #socket: TLSSocket;
  readonly #duplex: ConnectionDuplex;
  /** Bytes that are decrypted and not read yet. */
  readonly #chunks: Uint8Array[] = [];
  /** A likely reason for a cut, as long as nothing has been read. */
  #suspicion: string;
  /** Whether close_notify has arrived. */
  #ended = false;
  #readFailure: unknown;
  #writeFailure: unknown;
  #heard = () => {};
  #wakeWriter: (error: unknown) => void = () => {};

  constructor(
    socket: TLSSocket,
    duplex: ConnectionDuplex,
    isClient: boolean,
  ) {
    this.#socket = socket;
    this.#duplex = duplex;
    // In TLS 1.3 a client's handshake is done before the server has seen its
    // certificate.
    this.#suspicion = isClient
      ? " and sent nothing: it may want a certificate, or another one"
      : "";
    if (isClient && socket.getProtocol() === "TLSv1.3") {
      this.settled = new Promise((resolve) => {
        this.#heard = resolve;
      });
    }
    duplex.writeFailed = (error) => this.#failWriting(error);
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
    });
    // A close_notify that came with the end of the handshake has been pushed already.
    socket.once("end", () => this.#endReading());
    // For later ones the event comes too late: the next read would wait for the peer.
    const push = socket.push.bind(socket);
    socket.push = (chunk, encoding) => {
      if (chunk === null) this.#endReading();
      return push(chunk, encoding);
    };
    const fail = (error?: Error) => {
      const failure = asDenoError(error);
      this.#readFailure ??= failure;
      this.#failWriting(failure);
    };
    socket.on("error", fail);
    socket.on("close", () => fail());
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    for (;;) {
      const count = this.#take(into);
      if (count > 0) return count;
      if (this.#ended) return null;
      if (this.#readFailure) throw this.#readFailure;
      await this.#pull(
        into.length < MIN_READ ? new Uint8Array(MIN_READ) : into,
      );
    }
  }

  /** Reads more bytes, which may be less than a record. */
  async #pull(buffer: Uint8Array): Promise<void> {
    try {
      if (await this.#duplex.pull(buffer) !== null || this.#ended) return;
      this.#readFailure ??= new systemErrors.UnexpectedEof(
        `the peer closed the connection without a TLS close_notify${this.#suspicion}`,
      );
    } catch (error) {
      this.#readFailure ??= error;
    } finally {
      this.#heard();
    }
  }

  /** The peer's close_notify has arrived; Bun shows an end behind an error, too. */
  #endReading(): void {
    if (this.#readFailure) return;
    this.#ended = true;
    if (!IN_BUN) return;
    this.#failWriting(
      new systemErrors.BrokenPipe(
        "the peer has ended, and Bun then sends nothing",
      ),
    );
  }

  /** Moves decrypted bytes, as far as they fit. */
  #take(into: Uint8Array): number {
    let count = 0;
    while (count < into.length) {
      const chunk = this.#chunks.shift();
      if (!chunk) break;
      const part = chunk.subarray(0, into.length - count);
      into.set(part, count);
      count += part.length;
      if (part.length < chunk.length) {
        this.#chunks.unshift(chunk.subarray(part.length));
      }
    }
    if (count > 0) this.#suspicion = "";
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, WRITE_BYTES);
    // Node's socket refuses a write of nothing.
    if (part.length > 0) {
      await this.#untilFailure((done) => this.#socket.write(part, done));
      if (IN_BUN) await this.#duplex.written;
    }
    return part.length;
  }

  async closeWrite(): Promise<void> {
    await this.#untilFailure((done) => this.#socket.end(done));
    // Node does not wait until its close_notify has gone out.
    await this.#duplex.written;
  }

  /** Frees the memory; the connection is not closed. */
  destroy(): void {
    this.#socket.destroy();
  }

  #untilFailure(
    run: (done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#writeFailure) throw this.#writeFailure;
      this.#wakeWriter = reject;
      run((error) => error ? reject(asDenoError(error)) : resolve());
    });
  }

  #failWriting(error: unknown): void {
    this.#writeFailure ??= error;
    this.#wakeWriter(error);
  }
}

/** The error that Deno's own TLS has in this case. */
export function asDenoError(error: unknown): Error {
  if (!(error instanceof Error)) {
    return new systemErrors.Interrupted("the connection is closed");
  }
  if (Object.hasOwn(systemErrors, error.name)) return error;
  return Reflect.get(error, "code") === "ECONNRESET"
    ? new systemErrors.ConnectionReset(error.message, { cause: error })
    : new systemErrors.InvalidData(error.message, { cause: error });
}
