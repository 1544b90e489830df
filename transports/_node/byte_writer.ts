import type { Writable } from "node:stream";
import { systemErrors } from "../_util/system_errors.ts";
import { systemError } from "./system_error.ts";

/** Node's own codes, and the system's code for a write whose handle is closed. */
const GONE = /^(ERR_STREAM_.*|ECANCELED)$/;

/** Writes to a stream of Node's, and tells when the system has taken the bytes. */
export class ByteWriter {
  readonly #stream: Writable;
  #failure: Error | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", (error) => {
      this.#failure ??= systemError(error);
    });
  }

  /** Writes all of the bytes, and gives their number. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#until((done) => this.#stream.write(bytes, done), bytes.length);
  }

  /** Ends writing. */
  closeWrite(): Promise<void> {
    return this.#until((done) => this.#stream.end(done), undefined);
  }

  #until<T>(
    act: (done: (error?: Error | null) => void) => void,
    result: T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure) throw this.#failure;
      act((error) => {
        // Node does not fail a write that is pending when the stream is destroyed.
        if (!error && !this.#stream.destroyed) resolve(result);
        else reject(this.#explain(error));
      });
    });
  }

  /** Some codes say that the stream is gone, and not why. */
  #explain(error: Error | null | undefined): Error {
    const code = String(error && Reflect.get(error, "code"));
    if (error && !GONE.test(code)) return systemError(error);
    return this.#failure ??
      new systemErrors.Interrupted("the stream is closed", { cause: error });
  }
}
