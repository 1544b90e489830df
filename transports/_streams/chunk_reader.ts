const SCRATCH_BYTES = 64 * 1024;
const NOTHING = new Uint8Array(0);

/** Reads the bytes of a stream into buffers, whatever the size of its chunks. */
export class ChunkReader {
  readonly #next: () => Promise<Uint8Array | undefined>;
  readonly #reader: ReadableStreamDefaultReader | ReadableStreamBYOBReader;
  /** The bytes of the last chunk that nobody has read yet. */
  #rest: Uint8Array = NOTHING;

  constructor(stream: ReadableStream<Uint8Array>) {
    const reader = byobReader(stream);
    if (reader) {
      this.#reader = reader;
      this.#next = readByScratch(reader);
    } else {
      const reader = stream.getReader();
      this.#reader = reader;
      this.#next = async () => {
        const { value, done } = await reader.read();
        return done ? undefined : bytesOf(value);
      };
    }
    this.#reader.closed.catch(() => {});
  }

  /** Reads some bytes: their number, or `null` at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    while (this.#rest.length === 0) {
      const chunk = await this.#next();
      if (!chunk) return null;
      this.#rest = chunk;
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  /** Ends reading; a read that is pending sees the end. */
  cancel(reason?: unknown): Promise<void> {
    this.#rest = NOTHING;
    return this.#reader.cancel(reason);
  }
}

/** Native byte streams are read several times as fast so. */
function byobReader(
  stream: ReadableStream<Uint8Array>,
): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return undefined; // Not a byte stream.
  }
}

/** Reads through one buffer, which each read transfers and gives back. */
function readByScratch(
  reader: ReadableStreamBYOBReader,
): () => Promise<Uint8Array | undefined> {
  let scratch = new Uint8Array(SCRATCH_BYTES);
  return async () => {
    const { value, done } = await reader.read(scratch);
    if (done || !value) return undefined;
    scratch = new Uint8Array(value.buffer);
    return value;
  };
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  const type = Object.prototype.toString.call(chunk).slice(8, -1);
  throw new TypeError(
    `Cannot read from a stream: chunk is ${type}, expected a Uint8Array`,
  );
}
