import type { Connection, DirectIO } from "../transports/transport.ts";
import type { ReadBuffer } from "./codecs/read_buffer.ts";

/** Where a session's bytes come from and go to. */
export interface ByteIO {
  /** Reads into the buffer: how many bytes, 0 at the end. */
  read(input: ReadBuffer): Promise<number>;
  /** Resolves when all of the bytes are taken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends writing. */
  end(): Promise<void>;
  /** Whether nobody looks at bytes that are taken: their memory is ours again. */
  readonly givesBack: boolean;
}

/** Takes a connection for a session, past its streams where that can be. */
export function byteIO(connection: Connection): ByteIO {
  return connection.direct ? directIO(connection.direct) : streamIO(connection);
}

function directIO(direct: DirectIO): ByteIO {
  return {
    async read(input) {
      const space = input.space();
      const count = await direct.read(space) ?? 0;
      input.fill(space.subarray(0, count));
      return count;
    },
    write: (bytes) => direct.write(bytes),
    end: () => direct.end(),
    givesBack: true,
  };
}

function streamIO({ readable, writable }: Connection): ByteIO {
  const writer = writable.getWriter();
  const reader = readable.getReader({ mode: "byob" });
  // What fails is seen where it is awaited.
  for (const { closed } of [reader, writer]) closed.catch(() => {});
  return {
    async read(input) {
      const { value } = await reader.read(input.space());
      if (!value) return 0;
      input.fill(value);
      return value.length;
    },
    write: (bytes) => writer.write(bytes),
    end: () => writer.close(),
    // A stream may pass on what it has taken, as TransformStream does.
    givesBack: false,
  };
}
