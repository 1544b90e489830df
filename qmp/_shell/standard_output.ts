import { messageOf } from "../_wire/failure.ts";
import type { Sink } from "./output.ts";

/** The standard output and the standard error. */
export class StandardOutput implements Sink {
  readonly #gone = new AbortController();

  /** Aborted when nothing can be written: the reader is gone, or a disk is full. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  out(text: string): void {
    if (this.gone.aborted) return;
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) {
        this.err(`Cannot write the output: ${messageOf(error)}`);
      }
      this.#gone.abort(error);
    }
  }

  err(text: string): void {
    console.error(text);
  }
}
