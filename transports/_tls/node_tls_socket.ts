import type { TLSSocket } from "node:tls";
import type { TcpDuplex } from "./node_duplex.ts";
import type { RawSocket } from "../_socket/raw_socket.ts";

/** Bounds what is encrypted, and held in memory, at once. */
const WRITE_BYTES = 256 * 1024;

/** What is decrypted and held at most while no reader waits. */
const READ_AHEAD_BYTES = 16 * 1024;

/** A TLS socket of Node's, through the operations of one of Deno's. */
export class NodeTlsSocket implements RawSocket {
  /**
   * In TLS 1.3 a server sends tickets after the handshake (RFC 8446 §4.6.1). A
   * client that has heard nothing since may not have got them yet.
   */
  readonly settled: Promise<void> | undefined;
  readonly #socket: TLSSocket;
  readonly #duplex: TcpDuplex;
  /** What is decrypted and not read yet. */
  readonly #chunks: Uint8Array[] = [];
  #available = 0;
  /** How much room the reader has who waits. */
  #wanted = 0;
  /** What a cut may come of, as long as nothing has been read. */
  #suspicion: string;
  /** Whether the peer has ended TLS, or else only TCP. */
  #end: "none" | "orderly" | "cut" = "none";
  #readFailure: unknown;
  #writeFailure: unknown;
  #wakeReader = () => {};
  #wakeWriter: (error: unknown) => void = () => {};

  constructor(socket: TLSSocket, duplex: TcpDuplex, isClient: boolean) {
    this.#socket = socket;
    this.#duplex = duplex;
    // In TLS 1.3 a client's handshake is done before the server has seen its
    // certificate.
    this.#suspicion = isClient
      ? " and sent nothing: it may want a certificate, or another one"
      : "";
    if (isClient && socket.getProtocol() === "TLSv1.3") {
      this.settled = new Promise((resolve) => {
        duplex.heard = resolve;
      });
    }
    duplex.room = () =>
      Math.max(this.#wanted, READ_AHEAD_BYTES - this.#available);
    duplex.writeFailed = (error) => this.#failWriting(error);
    const push = socket.push.bind(socket);
    let cut = false;
    socket.push = (chunk, encoding) => {
      if (chunk === null) cut = duplex.readableEnded;
      return push(chunk, encoding);
    };
    socket.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#available += chunk.length;
      this.#wanted = 0;
      this.#wakeReader();
    });
    socket.on("end", () => {
      this.#end = cut ? "cut" : "orderly";
      this.#wakeReader();
    });
    const fail = (error?: Error) => {
      const failure = asDenoError(error);
      this.#readFailure ??= failure;
      this.#wakeReader();
      this.#failWriting(failure);
    };
    socket.on("error", fail);
    socket.on("close", () => fail());
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    for (;;) {
      const count = this.#take(into);
      if (count > 0) {
        this.#suspicion = "";
        return count;
      }
      if (this.#end === "orderly") return null;
      if (this.#end === "cut") {
        throw this.#duplex.readFailure ??
          new Deno.errors.UnexpectedEof(
            `the peer closed the connection without a TLS close_notify${this.#suspicion}`,
          );
      }
      if (this.#readFailure) throw this.#readFailure;
      this.#wanted = into.length;
      this.#duplex.readOn();
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  /** Moves what is decrypted, as far as it fits. */
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
    this.#available -= count;
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, WRITE_BYTES);
    // Node's socket refuses a write of nothing.
    if (part.length > 0) {
      await this.#untilFailure((done) => this.#socket.write(part, done));
    }
    return part.length;
  }

  async closeWrite(): Promise<void> {
    await this.#untilFailure((done) => this.#socket.end(done));
    // Node does not wait until its close_notify has gone out.
    await this.#duplex.written;
  }

  close(): void {
    this.#socket.destroy();
    this.#duplex.close();
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

/** What Deno's own TLS would have failed with. */
export function asDenoError(error: unknown): Error {
  if (!(error instanceof Error)) {
    return new Deno.errors.Interrupted("the connection is closed");
  }
  if (Object.hasOwn(Deno.errors, error.name)) return error;
  return Reflect.get(error, "code") === "ECONNRESET"
    ? new Deno.errors.ConnectionReset(error.message, { cause: error })
    : new Deno.errors.InvalidData(error.message, { cause: error });
}
