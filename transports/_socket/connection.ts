import { formatAddress } from "../address.ts";
import { ByteSink } from "./byte_sink.ts";
import { ByteSource, type Direction } from "./byte_source.ts";
import { osError } from "./os_error.ts";
import type { RawSocket } from "./raw_socket.ts";
import type { Address, Connection, DirectIO } from "../transport.ts";

/**
 * A connection over a socket's raw operations.
 *
 * `readable.cancel()` stops only reading, `writable.close()` only writing; once
 * both directions have ended, the socket is released. `writable.abort()` ends
 * the whole connection when a write is pending: nothing less wakes it.
 */
export class SocketConnection implements Connection {
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly #socket: RawSocket;
  readonly #source: ByteSource;
  readonly #sink: ByteSink;
  #closing: Promise<void> | undefined;
  #releasing: Promise<void> | undefined;
  #released = false;
  #aborted: { readonly reason: unknown } | undefined;

  constructor(socket: RawSocket, local: Address, remote: Address) {
    this.localAddress = local;
    this.remoteAddress = remote;
    this.#socket = socket;
    const direction: Direction = {
      reset: undefined,
      failure: (action, error) => {
        if (this.#aborted) return this.#aborted.reason;
        if (error instanceof Deno.errors.ConnectionReset) {
          direction.reset = error;
        }
        return osError(`${action} ${formatAddress(remote)}`, error);
      },
      ended: async () => {
        if (this.#source.ended && this.#sink.ended) await this.#release();
      },
    };
    this.#source = new ByteSource(socket, direction);
    this.#sink = new ByteSink(socket, direction, (r) => this.abort(r));
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#source.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#sink.writable;
  }

  get direct(): DirectIO {
    return new SocketIO(this.#source, this.#sink);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#sink.finish().then(() => this.#release());
  }

  abort(
    reason: unknown = new DOMException(
      "The connection was aborted",
      "AbortError",
    ),
  ): void {
    if (this.#released) return;
    this.#aborted = { reason };
    this.#source.error(reason);
    this.#sink.error(reason);
    this.#free();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #release(): Promise<void> {
    return this.#releasing ??= this.#source.drain(() => this.#free())
      .then(() => this.#free());
  }

  #free(): void {
    if (this.#released) return;
    this.#released = true;
    this.#socket.close();
    this.#source.end();
  }
}

class SocketIO implements DirectIO {
  readonly #source: ByteSource;
  readonly #sink: ByteSink;

  constructor(source: ByteSource, sink: ByteSink) {
    this.#source = source;
    this.#sink = sink;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#source.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#sink.write(bytes);
  }

  end(): Promise<void> {
    return this.#sink.close();
  }
}
