import type { Readable } from "node:stream";
import { systemErrors } from "../_util/system_errors.ts";
import { systemError } from "./system_error.ts";

const NOTHING = new Uint8Array(0);

/**
 * Reads from a stream of Node's into buffers. Node reads ahead as far as the
 * stream's own limit, and stops there.
 */
export class ByteReader {
  readonly #stream: Readable;
  /** Bytes that the stream has given and nobody has read yet. */
  #rest: Uint8Array = NOTHING;
  #ended = false;
  #failure: Error | undefined;
  #wake = () => {};

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("readable", () => this.#wake());
    stream.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    stream.on("error", (error) => this.#fail(systemError(error)));
    stream.on("close", () => {
      this.#fail(new systemErrors.Interrupted("the stream is closed"));
    });
  }

  /** Reads some bytes: their number, or `null` at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    if (into.length === 0) return 0;
    while (this.#rest.length === 0) {
      this.#rest = this.#stream.read() ?? NOTHING;
      if (this.#rest.length > 0) break;
      if (this.#ended) return null;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  /** Fails what is read from now on, and a read that waits. */
  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
