import type { Connection } from "../../transports/transport.ts";

/** Where a session's bytes come from and go to. */
export interface ByteIO {
  /**
   * Reads into the space: how many bytes, or a view of them where their buffer
   * has been transferred; nothing at the end.
   */
  read(
    space: Uint8Array<ArrayBuffer>,
  ): Promise<number | Uint8Array<ArrayBuffer> | null>;
  /** Resolves when all of the bytes are taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends writing. */
  end(): Promise<void>;
}

/** Takes a connection for a session, past its streams where that can be. */
export function byteIO(connection: Connection): ByteIO {
  return connection.direct ?? new StreamIO(connection);
}

class StreamIO implements ByteIO {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor({ readable, writable }: Connection) {
    this.#writer = writable.getWriter();
    this.#reader = readable.getReader({ mode: "byob" });
    // What fails is seen where it is awaited.
    this.#writer.closed.catch(() => {});
    this.#reader.closed.catch(() => {});
  }

  async read(
    space: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const { value } = await this.#reader.read(space);
    return value ?? null;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  end(): Promise<void> {
    return this.#writer.close();
  }
}
